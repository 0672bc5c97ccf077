"""Lines and axes of one panel, and the mark of the first non-finite value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.charts import text_format
from service.charts.chart_style import FONT_SIZE, Document
from service.charts.colors import Hue, Palette
from service.charts.legend import Legend
from service.charts.scales import Axis
from service.history import json_floats
from service.history.metric_history import History

LABEL_WIDTH = 40
"""Width in pixels of the labels of the vertical axis."""
MARK_HEIGHT = 14
"""Height in pixels of the mark's text above the panel."""
_MAX_EPOCHS_WITH_POINTS = 30
"""Up to this number of epochs, each has a point."""
_MAX_EPOCHS_WITH_THICK_LINES = 400
"""With more epochs lines are thin, because a noisy line fills an area."""
_TICK_SPACING = 45
"""Approximate pixels between two labels of the vertical axis."""
_SOLID, _DASHED = (1, 0), (5, 3)


@dataclass(frozen=True)
class Series:
    """One line: a column of the history with its label in the legend, its color and its dash pattern."""

    column: str
    label: str
    color: str
    dash: Sequence[int]


@dataclass(frozen=True)
class NonFiniteMark:
    """The first epoch at which a metric is not finite, and the text that marks it."""

    epoch: int
    text: str


def build_series(legend: Legend, hues: Mapping[str, Hue]) -> list[Series]:
    """Build the lines of a panel. Validation is dashed, in another shade of the hue of the solid training line.

    Args:
        legend: legend of the panel.
        hues: hue of each metric.

    """
    return [
        Series(name, label, hues[text_format.get_base_metric(name)].strong, _DASHED)
        if name.startswith(text_format.VALIDATION_PREFIX)
        else Series(name, label, hues[text_format.get_base_metric(name)].plain, _SOLID)
        for name, label in legend.labels.items()
    ]


def find_nonfinite_mark(history: History, legend: Legend) -> NonFiniteMark | None:
    """Return a mark at the first non-finite value, or None. It names the metrics, unless it applies to all of them."""
    columns = history.metrics.items()
    positions = {name: index for name, column in columns if (index := _find_nonfinite(column)) is not None}
    if not positions:
        return None
    first = min(positions.values())
    names = [name for name, index in positions.items() if index == first]
    text = f"{json_floats.format_nonfinite(history.metrics[names[0]][first])} at epoch {history.epochs[first]:,}"
    suffix = "" if len(names) == len(history.metrics) else f" ({', '.join(legend.labels[name] for name in names)})"
    return NonFiniteMark(history.epochs[first], f"{text}{suffix}")


def _find_nonfinite(column: Sequence[float]) -> int | None:
    return next((index for index, number in enumerate(column) if not math.isfinite(number)), None)


def build_rows(history: History, series: Sequence[Series], axis: Axis) -> list[Document]:
    """Return a row for each point. A value of null breaks the line; `point` says whether the point is drawn."""
    points: list[Document] = []
    for line in series:
        values = [number if axis.can_show(number) else None for number in history.metrics[line.column]]
        neighbors = zip([None, *values[:-1]], [*values[1:], None], strict=True)
        has_points = len(values) <= _MAX_EPOCHS_WITH_POINTS
        points += [
            {
                "epoch": epoch,
                "value": value,
                "series": line.label,
                "point": value is not None and (has_points or pair == (None, None)),
            }
            for epoch, value, pair in zip(history.epochs, values, neighbors, strict=True)
        ]
    return points


def build_epoch_axis(epochs: Sequence[int]) -> Document:
    """Build the horizontal encoding, with ticks only at integers."""
    first, last = epochs[0], epochs[-1]
    axis: Document = {"title": None, "format": ",d", "tickMinStep": 1, "grid": False}
    axis |= {"tickCount": 8} if last > first else {"values": [first]}
    domain = [first, last] if last > first else [first - 1, first + 1]
    return {
        "field": "epoch",
        "type": "quantitative",
        "scale": {"domain": domain, "nice": False, "zero": False},
        "axis": axis,
    }


def build_value_axis(title: str, axis: Axis, height: float) -> Document:
    """Build the vertical encoding of a panel of this height in pixels."""
    properties: Document = {
        "title": text_format.shorten_text(title + (" (log scale)" if axis.is_log else ""), height, FONT_SIZE),
        "minExtent": LABEL_WIDTH,  # so that panels are aligned
        "maxExtent": LABEL_WIDTH,
        "tickCount": max(2, round(height / _TICK_SPACING)),
        "domain": False,
        "ticks": False,
    }
    return {"field": "value", "type": "quantitative", "scale": axis.scale, "axis": properties | axis.labels}


def build_layers(
    series: Sequence[Series],
    history: History,
    mark: NonFiniteMark | None,
    palette: Palette,
    columns: int,
    width: float,
) -> list[Document]:
    """Build the layers of a panel: lines, points and the mark.

    Args:
        series: the lines.
        history: their values.
        mark: the mark of the first non-finite value.
        palette: colors of the theme.
        columns: number of columns of the legend.
        width: width of the panel in pixels.

    """
    legend: Document = {"columns": columns, "offset": 8 + (MARK_HEIGHT if mark else 0)}
    stroke_width = 1.25 if len(history.epochs) > _MAX_EPOCHS_WITH_THICK_LINES else 2
    colors = [line.color for line in series]
    drawn: list[Document] = [
        {
            "mark": {"type": "line", "strokeWidth": stroke_width, "strokeJoin": "round", "clip": True},
            "encoding": {
                "color": _build_series_encoding(series, colors, legend),
                "strokeDash": _build_series_encoding(series, [line.dash for line in series], legend),
            },
        },
        {
            "transform": [{"filter": "datum.point"}],
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 28},
            "encoding": {"color": _build_series_encoding(series, colors, None)},
        },
    ]
    return drawn if mark is None else [*drawn, *_build_mark(mark, history, palette, width)]


def _build_series_encoding(series: Sequence[Series], values: Sequence[object], legend: Document | None) -> Document:
    scale: Document = {"domain": [line.label for line in series], "range": list(values)}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _build_mark(mark: NonFiniteMark, history: History, palette: Palette, width: float) -> list[Document]:
    """Build a vertical rule, and its text above the panel, where it covers no line."""
    before, after = mark.epoch - history.epochs[0], history.epochs[-1] - mark.epoch
    align = "left" if before < after else "right"
    text_width = width * max(before, after) / (before + after) if before + after else width / 2
    data: Document = {
        "values": [{"epoch": mark.epoch, "text": text_format.shorten_text(mark.text, text_width, FONT_SIZE)}]
    }
    text: Document = {"type": "text", "align": align, "baseline": "bottom", "fontSize": 12}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "color": palette.warning, "strokeWidth": 1.5, "strokeDash": [2, 2]},
            "encoding": {"y": {"value": 0}, "y2": {"value": "height"}},
        },
        {
            "data": data,
            "mark": text | {"color": palette.warning},
            "encoding": {"y": {"value": -4}, "text": {"field": "text", "type": "nominal"}},
        },
    ]
