"""Learning curves as SVG, drawn in this process and without a request."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from stackyard.client.display.formats import format_number

_STROKES = (("#0072b2", "none"), ("#d55e00", "6 3"), ("#009e73", "2 3"), ("#cc79a7", "8 3 2 3"))
"""Colors and dashes of lines, which also differ for people who see colors differently."""

_WIDTH, _HEIGHT = 480, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 22, 20


@dataclass(frozen=True)
class _Scale:
    """Translates values and their positions into coordinates of a box."""

    positions: tuple[float, float]
    values: tuple[float, float]
    left: float
    top: float
    width: float
    height: float

    def get_x(self, position: float) -> float:
        first, last = self.positions
        return self.left + self.width * (position - first) / max(last - first, 1)

    def get_y(self, value: float) -> float:
        low, high = self.values
        return self.top + self.height * (high - value) / (high - low)


def render_curve(epochs: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """Draw metrics over epochs, with axes and a legend; an empty string if no value is finite.

    Args:
        epochs: the number of each epoch, ascending, from 0. People see them from 1.
        lines: each metric's value at every epoch. A value that is not finite is a mark at the upper edge.

    """
    bounds = _find_bounds(value for line in lines.values() for value in line)
    if bounds is None:
        return ""
    box = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    scale = _Scale((epochs[0], epochs[-1]), bounds, _LEFT, _TOP, *box)
    strokes = _STROKES * math.ceil(len(lines) / len(_STROKES))
    drawn = (_render_line(scale, epochs, line, stroke) for line, stroke in zip(lines.values(), strokes, strict=False))
    label = escape(f"{', '.join(lines)} over {len(epochs)} epochs")
    return (
        f'<svg role="img" aria-label="{label}" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'style="max-width:100%" fill="currentColor" font-size="11" font-family="sans-serif">'
        f"{_render_axes(scale)}{''.join(drawn)}{_render_legend(list(lines), strokes)}</svg>"
    )


def render_sparkline(values: Sequence[float | None], width: int = 96, height: int = 20) -> str:
    """Draw values as a small line without axes; an empty string if there are fewer than two finite ones."""
    numbers = [math.nan if value is None else value for value in values]
    bounds = _find_bounds(numbers)
    if bounds is None or len(numbers) < 2:  # noqa: PLR2004  # a line has two ends
        return ""
    scale = _Scale((0, len(numbers) - 1), bounds, 1, 2, width - 2, height - 4)
    line = _render_line(scale, range(len(numbers)), numbers, _STROKES[0])
    return f'<svg aria-hidden="true" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{line}</svg>'


def _find_bounds(values: Iterator[float] | Sequence[float]) -> tuple[float, float] | None:
    """Return the least and the greatest finite value, apart from each other; None if there is no finite value."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if math.isinf(high - low):
        return None
    margin = 0.0 if high > low else abs(low) / 2 or 0.5
    return low - margin, high + margin


def _render_line(scale: _Scale, epochs: Sequence[int], values: Sequence[float], stroke: tuple[str, str]) -> str:
    """Return a path with a gap, and a cross at the upper edge, at each value that is not finite."""
    color, dashes = stroke
    commands: list[str] = []
    crosses: list[str] = []
    is_connected = False
    for epoch, value in zip(epochs, values, strict=True):
        x = scale.get_x(epoch)
        if math.isfinite(value):
            commands.append(f"{'L' if is_connected else 'M'}{x:.1f} {scale.get_y(value):.1f}")
        else:
            crosses.append(f"M{x - 3:.1f} {scale.top - 3:.1f}l6 6m-6 0l6 -6")
        is_connected = math.isfinite(value)
    attributes = f'fill="none" stroke="{color}" stroke-width="1.5"'
    line = f'<path d="{"".join(commands)}" {attributes} stroke-dasharray="{dashes}" stroke-linecap="round"/>'
    return line + (f'<path d="{"".join(crosses)}" {attributes}/>' if crosses else "")


def _render_axes(scale: _Scale) -> str:
    bottom, right = scale.top + scale.height, scale.left + scale.width
    first, last = (int(epoch) + 1 for epoch in scale.positions)
    low, high = scale.values
    texts = (
        (scale.left - 4, scale.top + 8, "end", format_number(high)),
        (scale.left - 4, bottom, "end", format_number(low)),
        (scale.left, bottom + 14, "start", str(first)),
        ((scale.left + right) / 2, bottom + 14, "middle", "epoch"),
        (right, bottom + 14, "end", str(last)),
    )
    labels = (f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in texts)
    path = f"M{scale.left:g} {scale.top:g}V{bottom:g}H{right:g}"
    return f'<path d="{path}" fill="none" stroke="currentColor" opacity="0.4"/>{"".join(labels)}'


def _render_legend(names: Sequence[str], strokes: Sequence[tuple[str, str]]) -> str:
    width = (_WIDTH - _LEFT) / max(len(names), 1)
    entries = (
        f'<path d="M{_LEFT + index * width:.0f} 9h20" stroke="{color}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        f'<text x="{_LEFT + index * width + 25:.0f}" y="13">{escape(name)}</text>'
        for index, (name, (color, dashes)) in enumerate(zip(names, strokes, strict=False))
    )
    return "".join(entries)
