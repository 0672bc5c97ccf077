"""Python source, from expressions to lines of bounded length."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

LONGEST_LINE = 88


@dataclass(frozen=True)
class Group:
    """A call, a list or a tuple; an argument whose name is empty goes by its place."""

    opening: str
    arguments: tuple[tuple[str, "Node"], ...]
    closing: str = ")"


Node = str | Group
"""An expression: Python source as it is, or something of which several lines can be made."""


def literal(value: object) -> str:
    """Return a value of JSON's as Python writes it, text in double quotes where that is easy."""
    written = repr(value)
    if isinstance(value, str) and "'" not in value and '"' not in value:
        return f'"{written[1:-1]}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item) for item in cast('Iterable[object]', value))}]"
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in pairs)}}}"
    return written


def call(name: str, /, *by_place: Node, **by_name: Node) -> Group:
    """Return a call."""
    return Group(f"{name}(", (*(("", node) for node in by_place), *by_name.items()))


def array(items: Iterable[Node]) -> Group:
    """Return a list."""
    return Group("[", tuple(("", item) for item in items), "]")


def pair(first: Node, second: Node) -> Group:
    """Return a tuple of two."""
    return Group("(", (("", first), ("", second)))


def names(items: Iterable[object]) -> Group:
    """Return a list of literals."""
    return array([literal(item) for item in items])


def assign(target: str, node: Node) -> str:
    """Return a statement, on as many lines as it takes."""
    return f"{target} = {render(node, len(target) + 3)}"


def render(node: Node, column: int = 0, depth: int = 0) -> str:
    """Return the source of `node`, which starts at `column`, its further lines `depth` levels deep."""
    flat = _flat(node)
    if isinstance(node, str) or not node.arguments or column + len(flat) <= LONGEST_LINE:
        return flat
    inner = "    " * (depth + 1)
    lines = [inner + _argument(name, value, depth + 1) for name, value in node.arguments]
    return "\n".join([node.opening, *(f"{line}," for line in lines), "    " * depth + node.closing])


def _argument(name: str, value: Node, depth: int) -> str:
    label = f"{name}=" if name else ""
    return label + render(value, 4 * depth + len(label) + 1, depth)


def _flat(node: Node) -> str:
    if isinstance(node, str):
        return node
    inner = ", ".join((f"{name}=" if name else "") + _flat(value) for name, value in node.arguments)
    return f"{node.opening}{inner}{node.closing}"
