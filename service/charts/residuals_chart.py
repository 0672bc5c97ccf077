"""Where a regressor errs: predicted against actual, and how the residuals are spread."""

from typing import Any

from service.charts import scales, text_format
from service.charts.chart_style import PADDING, TEXT, Document, Look, framed
from service.charts.scales import Axis

_LABELS = 40
_BESIDE = _LABELS + 21
_BETWEEN = 26
_AROUND = 2 * PADDING + 40 + 44
"""Pixels: for the numbers beside a vertical axis, with its title; between the two panels; above and below them."""
_HALF = 0.5


def document(residuals: dict[str, Any], title: str, subtitle: str, look: Look) -> Document:
    """Draw the residuals of one target column that has at least one row.

    Args:
        residuals: `column`, `pairs` and `histogram`, as an evaluation has them.
        title: whose they are.
        subtitle: what is to be known of them in a line.
        look: of the picture.

    """
    width = (look.width - 2 * PADDING - 2 * _BESIDE - _BETWEEN) / 2
    height = width if look.height is None else max(60, look.height - _AROUND)
    content: Document = {
        "spacing": _BETWEEN,
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
        "hconcat": [
            _scatter(residuals["pairs"], residuals["column"], look, width, height),
            _histogram(residuals["histogram"], look, width, height),
        ],
    }
    return framed(content, title, subtitle, look)


def _scatter(pairs: list[list[float]], column: str, look: Look, width: float, height: float) -> Document:
    """Both axes alike, so that the diagonal is where predictions are right."""
    axis = scales.fit((number for pair in pairs for number in pair), "linear")
    low, high = axis.domain
    rows = [{"actual": actual, "predicted": predicted} for actual, predicted in pairs]
    plain = look.palette.hues[0].plain
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": [{"actual": low, "predicted": low}, {"actual": high, "predicted": high}]},
                "mark": {"type": "line", "color": look.palette.muted, "strokeWidth": 1, "strokeDash": [4, 3]},
                "encoding": {
                    "x": _across("actual", f"Actual {column}", axis, width),
                    "y": _upwards("predicted", f"Predicted {column}", axis, height),
                },
            },
            {
                "data": {"values": rows},
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 0.65, "color": plain, "clip": True},
                "encoding": {
                    "x": {"field": "actual", "type": "quantitative"},
                    "y": {"field": "predicted", "type": "quantitative"},
                },
            },
        ],
    }


def _histogram(histogram: dict[str, Any], look: Look, width: float, height: float) -> Document:
    edges, counts = _drawable(histogram["edges"]), histogram["counts"]
    axis = scales.fit([*edges, 0.0], "linear")
    most = Axis(log=False, domain=(0.0, 1.05 * max(counts)))
    bars = [
        {"from": edges[place], "to": edges[place + 1], "rows": count} for place, count in enumerate(counts) if count
    ]
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": bars},
                "mark": {
                    "type": "bar",
                    "color": look.palette.hues[0].plain,
                    "stroke": look.palette.background,
                    "strokeWidth": 0.5,
                },
                "encoding": {
                    "x": _across("from", "Residual (actual - predicted)", axis, width) | {"bin": "binned"},
                    "x2": {"field": "to"},
                    "y": _upwards("rows", "Rows", most, height),
                },
            },
            {
                "data": {"values": [{"from": 0}]},
                "mark": {"type": "rule", "color": look.palette.muted, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "from", "type": "quantitative"}},
            },
        ],
    }


def _drawable(edges: list[float]) -> list[float]:
    """The same edges; a single bin that no screen would show is made wider."""
    low, high = scales.fit(edges, "linear").domain
    return edges if len(edges) > 2 else [low, high]  # noqa: PLR2004


def _across(field: str, title: str, axis: Axis, width: float) -> Document:
    shown: Document = {"title": text_format.fitted(title, width, TEXT), "tickCount": 5, "grid": False}
    return {"field": field, "type": "quantitative", "scale": axis.scale, "axis": shown | axis.labels}


def _upwards(field: str, title: str, axis: Axis, height: float) -> Document:
    shown: Document = {
        "title": text_format.fitted(title, height, TEXT),
        "minExtent": _LABELS,
        "maxExtent": _LABELS,
        "tickCount": 5,
        "tickMinStep": 1 if field == "rows" else None,
        "domain": False,
        "ticks": False,
    }
    return {"field": field, "type": "quantitative", "scale": axis.scale, "axis": shown | axis.labels}
