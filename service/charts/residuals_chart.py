"""Chart of a regressor's residuals: predicted against actual values, and a histogram."""

from typing import Any

from service.charts import scales, text_format
from service.charts.chart_style import FONT_SIZE, PADDING, ChartStyle, Document, build_document
from service.charts.scales import Axis

_LABEL_WIDTH = 40
_AXIS_WIDTH = _LABEL_WIDTH + 21
_SPACING = 26
_MAX_TICKS = 6
_FIXED_HEIGHT = 2 * PADDING + 40 + 44
"""Pixels: labels of a vertical axis, the same with its title, between the panels, and above and below them."""


def build_residuals_chart(residuals: dict[str, Any], title: str, subtitle: str, style: ChartStyle) -> Document:
    """Build the chart of the residuals of one target column that has at least one row.

    Args:
        residuals: `column`, `pairs` and `histogram` of an evaluation.
        title: title of the chart.
        subtitle: one line below the title.
        style: theme and size.

    """
    width = (style.width - 2 * PADDING - 2 * _AXIS_WIDTH - _SPACING) / 2
    height = width if style.height is None else max(60, style.height - _FIXED_HEIGHT)
    content: Document = {
        "spacing": _SPACING,
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
        "hconcat": [
            _build_scatter_plot(residuals["pairs"], residuals["column"], style, width, height),
            _build_histogram(residuals["histogram"], style, width, height),
        ],
    }
    return build_document(content, title, subtitle, style)


def _build_scatter_plot(
    pairs: list[list[float]], column: str, style: ChartStyle, width: float, height: float
) -> Document:
    """Build the scatter plot, with equal axes, so that correct predictions are on the diagonal."""
    axis = scales.build_axis((number for pair in pairs for number in pair), "linear", _MAX_TICKS)
    low, high = axis.domain
    rows = [{"actual": actual, "predicted": predicted} for actual, predicted in pairs]
    color = style.palette.hues[0].plain
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": [{"actual": low, "predicted": low}, {"actual": high, "predicted": high}]},
                "mark": {"type": "line", "color": style.palette.muted, "strokeWidth": 1, "strokeDash": [4, 3]},
                "encoding": {
                    "x": _build_horizontal_encoding("actual", f"Actual {column}", axis, width),
                    "y": _build_vertical_encoding("predicted", f"Predicted {column}", axis, height),
                },
            },
            {
                "data": {"values": rows},
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 0.65, "color": color, "clip": True},
                "encoding": {
                    "x": {"field": "actual", "type": "quantitative"},
                    "y": {"field": "predicted", "type": "quantitative"},
                },
            },
        ],
    }


def _build_histogram(histogram: dict[str, Any], style: ChartStyle, width: float, height: float) -> Document:
    edges, counts = _widen_single_bin(histogram["edges"]), histogram["counts"]
    axis = scales.build_axis([*edges, 0.0], "linear", _MAX_TICKS)
    count_axis = scales.build_axis([0, *counts], "linear", min(_MAX_TICKS, max(counts) + 1))
    bars = [
        {"from": edges[index], "to": edges[index + 1], "rows": count} for index, count in enumerate(counts) if count
    ]
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": bars},
                "mark": {
                    "type": "bar",
                    "color": style.palette.hues[0].plain,
                    "stroke": style.palette.background,
                    "strokeWidth": 0.5,
                },
                "encoding": {
                    "x": _build_horizontal_encoding("from", "Residual (actual - predicted)", axis, width)
                    | {"bin": "binned"},
                    "x2": {"field": "to"},
                    "y": _build_vertical_encoding("rows", "Rows", count_axis, height),
                },
            },
            {
                "data": {"values": [{"from": 0}]},
                "mark": {"type": "rule", "color": style.palette.muted, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "from", "type": "quantitative"}},
            },
        ],
    }


def _widen_single_bin(edges: list[float]) -> list[float]:
    """Return the edges; those of a single bin are moved apart, because it may be too narrow to be visible."""
    low, high = scales.build_axis(edges, "linear").domain
    return edges if len(edges) > 2 else [low, high]  # noqa: PLR2004


def _build_horizontal_encoding(field: str, title: str, axis: Axis, width: float) -> Document:
    properties: Document = {"title": text_format.shorten_text(title, width, FONT_SIZE), "grid": False}
    return {"field": field, "type": "quantitative", "scale": axis.scale, "axis": properties | axis.labels}


def _build_vertical_encoding(field: str, title: str, axis: Axis, height: float) -> Document:
    properties: Document = {
        "title": text_format.shorten_text(title, height, FONT_SIZE),
        "minExtent": _LABEL_WIDTH,
        "maxExtent": _LABEL_WIDTH,
        "domain": False,
        "ticks": False,
    }
    return {"field": field, "type": "quantitative", "scale": axis.scale, "axis": properties | axis.labels}
