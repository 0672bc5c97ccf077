"""Collect the imports and the blocks of lines of a script."""

from collections import defaultdict

from stackyard.spec.script.python_source import MAX_LINE_LENGTH

_STANDARD_LIBRARY = frozenset({"os", "sys"})


class ScriptBuilder:
    """Collects the lines of a script; each block is separated by an empty line."""

    def __init__(self) -> None:
        self._modules: set[str] = set()
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._blocks: list[list[str]] = []
        self._environment: dict[str, str] = {}

    def import_modules(self, *modules: str) -> None:
        """Import modules, once."""
        self._modules.update(modules)

    def import_name(self, module: str, name: str) -> None:
        """Import a name from a module, once."""
        self._names[module].add(name)

    def set_environment_variable(self, name: str, value: str) -> None:
        """Set an environment variable before every import that is not of the standard library."""
        self.import_modules("os")
        self._environment[name] = value

    def start_block(self, *lines: str) -> None:
        """Start a block with these lines."""
        self._blocks.append(list(lines))

    def add_lines(self, *lines: str) -> None:
        """Append lines to the current block."""
        self._blocks[-1].extend(lines)

    def render_script(self, docstring: str) -> str:
        """Return the whole script."""
        standard = [f"import {module}" for module in sorted(self._modules & _STANDARD_LIBRARY)]
        others = [f"import {module}" for module in sorted(self._modules - _STANDARD_LIBRARY)]
        imported_names = [_format_name_import(module, sorted(names)) for module, names in sorted(self._names.items())]
        environment = [f'os.environ["{name}"] = "{value}"' for name, value in self._environment.items()]
        blocks = [[docstring], standard, environment, [*others, *imported_names], *self._blocks]
        return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _format_name_import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= MAX_LINE_LENGTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])
