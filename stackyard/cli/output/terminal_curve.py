"""Learning curves in a terminal, drawn with Braille characters: each has two dots across and four down."""

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from stackyard.client.display.formats import format_metrics, format_number

__all__ = ["draw_curve", "format_metrics", "format_number"]

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # by column, then by row from the top
_COLORS = ("cyan", "yellow", "green", "magenta", "red", "blue")
_MARGIN = 10


class _Canvas:
    """Dots in character cells. A cell has the color of the line that was drawn into it last."""

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[0] * width for _ in range(height)]
        self._colors = [[""] * width for _ in range(height)]
        self.columns = 2 * width
        self.rows = 4 * height

    def draw_line(self, start: tuple[int, int], end: tuple[int, int], color: str) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            fraction = step / steps
            column, row = (round(a + (b - a) * fraction) for a, b in zip(start, end, strict=True))
            self._draw_dot(column, row, color)

    def render_row(self, row: int) -> Text:
        cells = zip(self._cells[row], self._colors[row], strict=True)
        return Text.assemble(*((chr(0x2800 + dots) if dots else " ", color) for dots, color in cells))

    def _draw_dot(self, column: int, row: int, color: str) -> None:
        self._cells[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
        self._colors[row // 4][column // 2] = color


def draw_curve(epochs: Sequence[int], lines: Mapping[str, Sequence[float]], width: int = 64, height: int = 14) -> Text:
    """Draw metrics over epochs, with labelled axes and a legend.

    Args:
        epochs: the number of each epoch, ascending, from 0.
        lines: each metric's value at every epoch, by the metric's name; a value that is not finite leaves a gap.
        width: of the plot itself, in characters.
        height: of the plot itself, in characters.

    """
    values = [value for line in lines.values() for value in line if math.isfinite(value)]
    if not values:
        return Text("There is nothing to draw yet.")
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    canvas = _Canvas(width, height)
    for line, color in zip(lines.values(), _COLORS * len(lines), strict=False):
        _draw_points(canvas, _scale_line(canvas, epochs, line, low, high), color)
    return _add_axes(canvas, (low, high), (epochs[0] + 1, epochs[-1] + 1), list(lines))


def _scale_line(
    canvas: _Canvas, epochs: Sequence[int], line: Sequence[float], low: float, high: float
) -> list[tuple[int, int] | None]:
    """Return the canvas column and row of each value; None where a value is not finite."""
    span = max(epochs[-1] - epochs[0], 1)
    return [
        (
            round((epoch - epochs[0]) / span * (canvas.columns - 1)),
            round((high - value) / (high - low) * (canvas.rows - 1)),
        )
        if math.isfinite(value)
        else None
        for epoch, value in zip(epochs, line, strict=True)
    ]


def _draw_points(canvas: _Canvas, points: Sequence[tuple[int, int] | None], color: str) -> None:
    previous = None
    for point in points:
        if point is not None:
            canvas.draw_line(previous or point, point, color)
        previous = point


def _add_axes(
    canvas: _Canvas, value_range: tuple[float, float], epoch_range: tuple[int, int], names: list[str]
) -> Text:
    height, width = canvas.rows // 4, canvas.columns // 2
    low, high = value_range
    picture = Text()
    for row in range(height):
        value = high - (high - low) * row / max(height - 1, 1)
        label = format_number(value) if row in {0, height // 2, height - 1} else ""
        picture.append_text(Text(f"{label:>{_MARGIN}} ┤" if label else f"{'':>{_MARGIN}} │"))
        picture.append_text(canvas.render_row(row)).append("\n")
    first, last = str(epoch_range[0]), str(epoch_range[1])
    picture.append(f"{'':>{_MARGIN}} └{'─' * width}\n{'':>{_MARGIN}}  {first}")
    picture.append(f"{'epoch':^{width - len(first) - len(last)}}{last}\n{'':>{_MARGIN}}  ")
    for name, color in zip(names, _COLORS * len(names), strict=False):
        picture.append("━━ ", color).append(f"{name}   ")
    return picture
