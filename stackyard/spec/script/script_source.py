"""A script as it grows: imports, and blocks of lines."""

from collections import defaultdict

from stackyard.spec.script.code import LONGEST_LINE

_STANDARD = frozenset({"sys"})


class Source:
    """Gathers the lines of a script; each block is a thought of its own, with an empty line before it."""

    def __init__(self) -> None:
        self._modules: set[str] = set()
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._blocks: list[list[str]] = []

    def use(self, *modules: str) -> None:
        """Import modules, once."""
        self._modules.update(modules)

    def use_from(self, module: str, name: str) -> None:
        """Import a name from a module, once."""
        self._names[module].add(name)

    def block(self, *lines: str) -> None:
        """Begin a block."""
        self._blocks.append(list(lines))

    def add(self, *lines: str) -> None:
        """Go on with the block."""
        self._blocks[-1].extend(lines)

    def text(self, docstring: str) -> str:
        """Return the whole script."""
        standard = [f"import {module}" for module in sorted(self._modules & _STANDARD)]
        others = [f"import {module}" for module in sorted(self._modules - _STANDARD)]
        chosen = [_import(module, sorted(names)) for module, names in sorted(self._names.items())]
        parts = [[docstring], standard, [*others, *chosen], *self._blocks]
        return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LONGEST_LINE:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])
