"""Format Python expressions as lines of bounded length."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

MAX_LINE_LENGTH = 88


@dataclass(frozen=True)
class CompoundExpression:
    """A call, a list or a tuple; an argument with an empty name is positional."""

    opening: str
    arguments: tuple[tuple[str, "Expression"], ...]
    closing: str = ")"


Expression = str | CompoundExpression
"""An expression: Python source, or a compound that may be formatted over several lines."""


def format_literal(value: object) -> str:
    """Return a JSON value as a Python literal; text without quotes in it gets double quotes."""
    source = repr(value)
    if isinstance(value, str) and "'" not in value and '"' not in value:
        return f'"{source[1:-1]}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(format_literal(item) for item in cast('Iterable[object]', value))}]"
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return f"{{{', '.join(f'{format_literal(key)}: {format_literal(item)}' for key, item in pairs)}}}"
    return source


def build_call(name: str, /, *arguments: Expression, **keyword_arguments: Expression) -> CompoundExpression:
    """Return a call of the function `name`."""
    return CompoundExpression(f"{name}(", (*(("", node) for node in arguments), *keyword_arguments.items()))


def build_list(items: Iterable[Expression]) -> CompoundExpression:
    """Return a list."""
    return CompoundExpression("[", tuple(("", item) for item in items), "]")


def build_pair(first: Expression, second: Expression) -> CompoundExpression:
    """Return a tuple of two expressions."""
    return CompoundExpression("(", (("", first), ("", second)))


def build_literal_list(values: Iterable[object]) -> CompoundExpression:
    """Return a list of literals."""
    return build_list([format_literal(value) for value in values])


def build_literal_dict(values: Mapping[str, object]) -> CompoundExpression:
    """Return a dictionary of literals."""
    pairs = (("", f"{format_literal(name)}: {format_literal(value)}") for name, value in values.items())
    return CompoundExpression("{", tuple(pairs), "}")


def format_assignment(target: str, node: Expression) -> str:
    """Return an assignment, on several lines if it is long."""
    return f"{target} = {format_expression(node, len(target) + 3)}"


def format_expression(node: Expression, column: int = 0, depth: int = 0) -> str:
    """Return the source of an expression that starts at `column`; indent further lines by `depth` levels."""
    line = _format_on_one_line(node)
    if isinstance(node, str) or not node.arguments or column + len(line) <= MAX_LINE_LENGTH:
        return line
    inner = "    " * (depth + 1)
    arguments = [inner + _format_argument(name, value, depth + 1) for name, value in node.arguments]
    return "\n".join([node.opening, *(f"{argument}," for argument in arguments), "    " * depth + node.closing])


def _format_argument(name: str, value: Expression, depth: int) -> str:
    label = f"{name}=" if name else ""
    return label + format_expression(value, 4 * depth + len(label) + 1, depth)


def _format_on_one_line(node: Expression) -> str:
    if isinstance(node, str):
        return node
    inner = ", ".join((f"{name}=" if name else "") + _format_on_one_line(value) for name, value in node.arguments)
    return f"{node.opening}{inner}{node.closing}"
