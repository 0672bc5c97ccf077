"""Lines and axes of one panel, and the mark of the first non-finite value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from service.charts import scales, text_format
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
_MAX_EPOCHS_WITHOUT_MEDIANS = 400
"""With more epochs, a noisy line would fill an area. Then the line is one of medians, and its values are faint."""
_MEDIANS = 150
"""Number of medians of a line, each of the same number of epochs."""
_FAINT_OPACITY = 0.3
_TICK_SPACING = 45
"""Approximate pixels between two labels of the vertical axis."""
_EPOCH_MARGIN = 0.015
"""Share of the span of the epochs by which the horizontal axis extends beyond them."""
_MAX_EPOCH_TICKS = 9
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


def build_median_rows(history: History, series: Sequence[Series], axis: Axis) -> list[Document]:
    """Return a row for each median: of each line, over equal numbers of epochs. They are none for a short history.

    A median is of the values that the axis can show; it is null, and breaks the line, if there are none.
    """
    if not has_medians(history):
        return []
    count = len(history.epochs)
    bounds = [index * count // _MEDIANS for index in range(_MEDIANS + 1)]
    slices = [slice(start, end) for start, end in pairwise(bounds)]
    return [
        {
            "epoch": median(history.epochs[part]),
            "value": median(values) if values else None,
            "series": line.label,
        }
        for line in series
        for part in slices
        for values in [[value for value in history.metrics[line.column][part] if axis.can_show(value)]]
    ]


def has_medians(history: History) -> bool:
    """Return whether the history is so long that its lines are medians."""
    return len(history.epochs) > _MAX_EPOCHS_WITHOUT_MEDIANS


def count_ticks(height: float) -> int:
    """Return the maximum number of labels of the vertical axis of a panel of this height in pixels."""
    return max(3, round(height / _TICK_SPACING) + 1)


def build_epoch_axis(epochs: Sequence[int]) -> Document:
    """Build the horizontal encoding, with ticks at integers. The axis extends beyond the first and the last epoch."""
    first, last = epochs[0], epochs[-1]
    margin = _EPOCH_MARGIN * (last - first) or 1
    ticks = scales.choose_integer_ticks(first, last, _MAX_EPOCH_TICKS)
    return {
        "field": "epoch",
        "type": "quantitative",
        "scale": {"domain": [first - margin, last + margin], "nice": False, "zero": False},
        "axis": {"title": None, "format": ",d", "values": ticks, "grid": False},
    }


def build_value_axis(title: str, axis: Axis, height: float) -> Document:
    """Build the vertical encoding of a panel of this height in pixels."""
    properties: Document = {
        "title": text_format.shorten_text(title + (" (log scale)" if axis.is_log else ""), height, FONT_SIZE),
        "minExtent": LABEL_WIDTH,  # so that panels are aligned
        "maxExtent": LABEL_WIDTH,
        "domain": False,
        "ticks": False,
    }
    return {"field": "value", "type": "quantitative", "scale": axis.scale, "axis": properties | axis.labels}


def build_layers(
    series: Sequence[Series],
    medians: Sequence[Document],
    mark_layers: Sequence[Document],
    legend: Document,
) -> list[Document]:
    """Build the layers of a panel: lines, points and the mark.

    Args:
        series: the lines.
        medians: rows of `build_median_rows`; with such, the lines of the panel's own rows are faint.
        mark_layers: layers of `build_mark`, or none.
        legend: properties of the legend.

    """
    colors = [line.color for line in series]
    points: Document = {
        "transform": [{"filter": "datum.point"}],
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 28},
        "encoding": {"color": _build_series_encoding(series, colors, None)},
    }
    if not medians:
        return [_build_line_layer(series, legend, 2), points, *mark_layers]
    faint: Document = {
        "mark": {"type": "line", "strokeWidth": 1, "opacity": _FAINT_OPACITY},
        "encoding": {"color": _build_series_encoding(series, colors, legend)},  # without a legend, none is drawn
    }
    drawn = {"data": {"values": list(medians)}} | _build_line_layer(series, legend, 2)
    return [faint, points, drawn, *mark_layers]


def _build_line_layer(series: Sequence[Series], legend: Document, width: float) -> Document:
    return {
        "mark": {"type": "line", "strokeWidth": width, "strokeJoin": "round"},
        "encoding": {
            "color": _build_series_encoding(series, [line.color for line in series], legend),
            "strokeDash": _build_series_encoding(series, [line.dash for line in series], legend),
        },
    }


def _build_series_encoding(series: Sequence[Series], values: Sequence[object], legend: Document | None) -> Document:
    scale: Document = {"domain": [line.label for line in series], "range": list(values)}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def build_legend_properties(columns: int, *, has_mark: bool) -> Document:
    """Return Vega-Lite's properties of a legend of so many columns. It leaves room for the text of a mark below it."""
    return {"columns": columns, "offset": 8 + (MARK_HEIGHT if has_mark else 0)}


def build_mark(mark: NonFiniteMark | None, history: History, palette: Palette, width: float) -> list[Document]:
    """Build a vertical rule, and its text above the panel, where it covers no line. Without a mark, build no layer."""
    if mark is None:
        return []
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
