"""Learning curves: a job's metrics over its epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from service.charts import legend as legends
from service.charts import lines, panels, scales, text_format
from service.charts.chart_style import PADDING, Document, Look, framed
from service.charts.colors import Hue, Palette
from service.charts.legend import Legend
from service.charts.lines import Lost
from service.charts.panels import Panel
from service.charts.scales import Scale
from service.history.metric_history import History

_MOST_POINTS = 1000
"""Epochs of a panel: more would fall on the same pixels."""
_ALONE, _AMONG, _LEAST = 300, 190, 60
"""Pixels of a panel's height: of a single one, of one among others, and at least."""
_BESIDE = lines.LABELS + 21
_HEADER = 40
_BELOW = 22
_TITLE_BELOW = 20
_SPACING = 14
"""Pixels around the panels: the vertical axis, the titles, the horizontal axis and its title, between two panels."""


@dataclass(frozen=True)
class _Part:
    """A panel with what is its own of the history."""

    panel: Panel
    told: History
    legend: Legend
    lost: Lost | None
    width: int

    @property
    def above(self) -> int:
        """Pixels of legend and mark."""
        return self.legend.height + (lines.MARK if self.lost else 0)


def least_height(told: History, width: int) -> int:
    """The height in pixels below which curves in a picture of this width would not be legible."""
    parts = _parts(told, width)
    return _around(parts) + _LEAST * len(parts)


def document(told: History, title: str, subtitle: str, look: Look, scale: Scale) -> Document:
    """Draw a history that has at least one epoch.

    Args:
        told: only the metrics that are to be drawn, of any number of epochs.
        title: whose history it is.
        subtitle: what is to be known of it in a line.
        look: of the picture; its height must be `least_height` or more.
        scale: of the values; `auto` decides for each panel.

    """
    parts = _parts(told, look.width)
    height = _height(parts, look.height)
    hues = _hues(told, look.palette)
    drawn = [_drawn(part, hues, look.palette, height, scale) for part in parts]
    drawn[-1]["encoding"]["x"]["axis"]["title"] = "Epoch"
    content: Document = {
        "spacing": _SPACING,
        "resolve": {"scale": dict.fromkeys(("x", "y", "color", "strokeDash"), "independent")},
        "vconcat": drawn,
    }
    return framed(content, title, subtitle, look)


def _parts(told: History, whole_width: int) -> list[_Part]:
    width = whole_width - 2 * PADDING - _BESIDE
    parts: list[_Part] = []
    for panel in panels.divide(told.metrics):
        own = History(told.epochs, {name: told.metrics[name] for name in panel.columns})
        legend = legends.of(panel, width)
        parts.append(_Part(panel, own, legend, lines.lost(own, legend), width))
    return parts


def _hues(told: History, palette: Palette) -> dict[str, Hue]:
    """By metric; they come again where there are more metrics than hues, which is in other panels."""
    metrics = dict.fromkeys(text_format.base(name) for name in told.metrics)
    return dict(zip(metrics, cycle(palette.hues), strict=False))


def _drawn(part: _Part, hues: Mapping[str, Hue], palette: Palette, height: float, scale: Scale) -> Document:
    thinned = part.told.thinned(_MOST_POINTS)
    axis = scales.fit((number for column in thinned.metrics.values() for number in column), scale)
    series = lines.of(part.legend, hues)
    title = ", ".join(text_format.metric(names[0]) for names in part.panel.names)
    return {
        "width": part.width,
        "height": height,
        "data": {"values": lines.rows(thinned, series, axis)},
        "encoding": {"x": lines.epoch_axis(thinned.epochs), "y": lines.value_axis(title, axis, height)},
        "layer": lines.layers(series, thinned, part.lost, palette, part.legend.columns, part.width),
    }


def _height(parts: Sequence[_Part], wanted: int | None) -> float:
    if wanted is None:
        return _ALONE if len(parts) == 1 else _AMONG
    return (wanted - _around(parts)) / len(parts)


def _around(parts: Sequence[_Part]) -> int:
    """Pixels of the picture's height that are not the panels' own."""
    above = sum(part.above for part in parts)
    return 2 * PADDING + _HEADER + above + len(parts) * (_BELOW + _SPACING) - _SPACING + _TITLE_BELOW
