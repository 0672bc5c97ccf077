"""The lines of one panel, its legend, and a mark where a metric stopped being finite."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.charts import text_format
from service.charts.chart_style import TEXT, Document
from service.charts.colors import Hue, Palette
from service.charts.legend import Legend
from service.charts.scales import Axis
from service.history import metric_history
from service.history.metric_history import History

LABELS = 40
"""Pixels for the numbers beside the vertical axis."""
MARK = 14
"""Pixels above the panel for the words of the mark."""
_FEW = 30
"""Up to so many epochs each is marked with a point."""
_MANY = 400
"""From so many epochs on lines are thin, because a noisy one fills an area."""
_TICK = 45
"""Pixels from one label of the vertical axis to the next, about."""
_SOLID, _DASHED = (1, 0), (5, 3)


@dataclass(frozen=True)
class Series:
    """One line: a column of the history, what the legend calls it, and how it is drawn."""

    column: str
    label: str
    color: str
    dash: Sequence[int]


@dataclass(frozen=True)
class Lost:
    """The first epoch at which a metric is not finite, and what to say there."""

    epoch: int
    text: str


def of(legend: Legend, hues: Mapping[str, Hue]) -> list[Series]:
    """The lines of a panel; training is a solid line, validation a dashed one in another shade of the same hue.

    Args:
        legend: of the panel.
        hues: by metric.

    """
    return [
        Series(name, label, hues[text_format.base(name)].strong, _DASHED)
        if name.startswith(text_format.VALIDATION)
        else Series(name, label, hues[text_format.base(name)].plain, _SOLID)
        for name, label in legend.labels.items()
    ]


def lost(told: History, legend: Legend) -> Lost | None:
    """Where the first of some metrics stops being finite, and which, unless all do; None where none does."""
    found = {name: place for name, column in told.metrics.items() if (place := _first_lost(column)) is not None}
    if not found:
        return None
    first = min(found.values())
    names = [name for name, place in found.items() if place == first]
    text = f"{metric_history.word(told.metrics[names[0]][first])} at epoch {told.epochs[first]:,}"
    which = "" if len(names) == len(told.metrics) else f" ({', '.join(legend.labels[name] for name in names)})"
    return Lost(told.epochs[first], f"{text}{which}")


def _first_lost(column: Sequence[float]) -> int | None:
    return next((place for place, number in enumerate(column) if not math.isfinite(number)), None)


def rows(told: History, series: Sequence[Series], axis: Axis) -> list[Document]:
    """A row for each point; a value of null breaks the line, `point` says that it is marked."""
    made: list[Document] = []
    for line in series:
        values = [number if axis.shows(number) else None for number in told.metrics[line.column]]
        around = zip([None, *values[:-1]], [*values[1:], None], strict=True)
        made += [
            {"epoch": epoch, "value": value, "series": line.label, "point": value is not None and shown}
            for epoch, value, shown in zip(
                told.epochs, values, (len(values) <= _FEW or pair == (None, None) for pair in around), strict=True
            )
        ]
    return made


def epoch_axis(epochs: Sequence[int]) -> Document:
    """The horizontal encoding; whole numbers alone have ticks."""
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


def value_axis(title: str, axis: Axis, height: float) -> Document:
    """The vertical encoding of a panel that is `height` pixels high."""
    shown: Document = {
        "title": text_format.fitted(title + (" (log scale)" if axis.log else ""), height, TEXT),
        "minExtent": LABELS,  # so that panels begin at the same place
        "maxExtent": LABELS,
        "tickCount": max(2, round(height / _TICK)),
        "domain": False,
        "ticks": False,
    }
    return {"field": "value", "type": "quantitative", "scale": axis.scale, "axis": shown | axis.labels}


def layers(
    series: Sequence[Series], told: History, mark: Lost | None, palette: Palette, columns: int, width: float
) -> list[Document]:
    """What is drawn over the axes.

    Args:
        series: the lines.
        told: the history that they show.
        mark: where to say that a metric is not finite.
        palette: of the theme.
        columns: of the legend.
        width: of the panel, in pixels.

    """
    legend: Document = {"columns": columns, "offset": 8 + (MARK if mark else 0)}
    thin = len(told.epochs) > _MANY
    drawn: list[Document] = [
        {
            "mark": {"type": "line", "strokeWidth": 1.25 if thin else 2, "strokeJoin": "round", "clip": True},
            "encoding": {
                "color": _told_apart(series, [line.color for line in series], legend),
                "strokeDash": _told_apart(series, [line.dash for line in series], legend),
            },
        },
        {
            "transform": [{"filter": "datum.point"}],
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 28},
            "encoding": {"color": _told_apart(series, [line.color for line in series], None)},
        },
    ]
    return drawn if mark is None else [*drawn, *_marked(mark, told, palette, width)]


def _told_apart(series: Sequence[Series], by: Sequence[object], legend: Document | None) -> Document:
    scale: Document = {"domain": [line.label for line in series], "range": list(by)}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _marked(mark: Lost, told: History, palette: Palette, width: float) -> list[Document]:
    """A rule from top to bottom, and words above it, where they cover no line."""
    before, after = mark.epoch - told.epochs[0], told.epochs[-1] - mark.epoch
    left = before < after
    room = width * max(before, after) / (before + after) if before + after else width / 2
    data: Document = {"values": [{"epoch": mark.epoch, "text": text_format.fitted(mark.text, room, TEXT)}]}
    text: Document = {"type": "text", "align": "left" if left else "right", "baseline": "bottom", "fontSize": 12}
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
