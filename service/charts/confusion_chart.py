"""Heat map of a confusion matrix, with its counts and percentages."""

import math
from collections.abc import Sequence
from typing import Any

from service.charts import text_format
from service.charts.chart_style import FONT_SIZE, PADDING, ChartStyle, Document, build_document
from service.charts.colors import Palette, select_text_color

_MAX_NAME_WIDTH = 86
_LABEL_WIDTH = _MAX_NAME_WIDTH + 10
"""Pixels for the name of a class, and for the labels beside the matrix, or below it if they are rotated."""
_AXIS_TITLE_WIDTH, _TITLES_HEIGHT = 26, 84
"""Pixels for the vertical axis's title, and for the chart's title together with the horizontal axis's."""
_MAX_CELL_SIZE = 84
"""Maximum side of a cell in pixels."""
_DIGIT_ASPECT = 0.62
"""Width of a digit divided by its font size."""
_MIN_FONT_SIZE, _MAX_FONT_SIZE = 7.0, 13.0
"""Font sizes of the counts in pixels; smaller counts are left out."""
_PERCENTAGE_SCALE = 0.8
"""Font size of a percentage divided by that of the count above it."""
_MAX_PERCENTAGE = 99
"""A larger percentage of fewer than all rows is written as above this one."""
_MIN_LINE_RATIO = 3.0
"""Minimum side of a cell divided by the font size, so that the cell has room for a percentage below its count."""


def build_confusion_chart(confusion: dict[str, Any], title: str, subtitle: str, style: ChartStyle) -> Document:
    """Build the chart of a confusion matrix.

    Args:
        confusion: `classes`, and `matrix`, whose rows are the actual classes.
        title: title of the chart.
        subtitle: one line below the title.
        style: theme and size. Cells are square, so the chart may be smaller.

    """
    names = text_format.make_unique(
        text_format.shorten_text(str(name), _MAX_NAME_WIDTH, FONT_SIZE) for name in confusion["classes"]
    )
    matrix: list[list[int]] = confusion["matrix"]
    cell_size = _compute_cell_size(len(names), style)
    max_digits = max(len(f"{count:,}") for row in matrix for count in row)
    font_size = min(_MAX_FONT_SIZE, 0.9 * cell_size / (_DIGIT_ASPECT * max_digits))
    is_rotated = max(len(name) for name in names) * _MAX_FONT_SIZE * _DIGIT_ASPECT > cell_size
    content: Document = {
        "width": cell_size * len(names),
        "height": cell_size * len(names),
        "data": {"values": _build_cells(names, matrix, style.palette)},
        "encoding": {
            "x": _build_encoding("predicted", "Predicted", names, is_rotated=is_rotated),
            "y": _build_encoding("actual", "Actual", names, is_rotated=False),
        },
        "layer": [
            _build_rectangles(style.palette, cell_size),
            *_build_numbers(font_size, cell_size),
        ],
    }
    return build_document(content, title, subtitle, style)


def _compute_cell_size(classes: int, style: ChartStyle) -> float:
    """Return the side of a cell in pixels."""
    width = (style.width - 2 * PADDING - _LABEL_WIDTH - _AXIS_TITLE_WIDTH) / classes
    if style.height is None:
        return max(1.0, min(width, _MAX_CELL_SIZE))
    height = (style.height - 2 * PADDING - _LABEL_WIDTH - _TITLES_HEIGHT) / classes
    return max(1.0, min(width, height, _MAX_CELL_SIZE))


def _build_cells(names: Sequence[str], matrix: Sequence[Sequence[int]], palette: Palette) -> list[Document]:
    """Return a row for each cell.

    Its shade is the square root of its share of the actual class, so that few errors are visible too.
    """
    cells: list[Document] = []
    for actual, row in zip(names, matrix, strict=True):
        rows = sum(row)
        for predicted, count in zip(names, row, strict=True):
            fill = palette.interpolate_ramp(math.sqrt(count / rows) if rows else 0.0)
            letters = palette.muted if count == 0 else select_text_color(fill)
            percentage = _format_percentage(count, rows)
            cell = {"actual": actual, "predicted": predicted, "count": count, "percentage": percentage}
            cells.append({**cell, "fill": fill, "letters": letters})
    return cells


def _build_encoding(field: str, title: str, names: Sequence[str], *, is_rotated: bool) -> Document:
    axis: Document = {
        "title": title,
        "labelAngle": -90 if is_rotated else 0,
        "labelOverlap": True,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "grid": False,
    }
    scale: Document = {"domain": list(names), "padding": 0}
    return {"field": field, "type": "ordinal", "title": title, "scale": scale, "axis": axis}


def _build_rectangles(palette: Palette, cell_size: float) -> Document:
    border = {"stroke": palette.background, "strokeWidth": 1} if cell_size > _MIN_FONT_SIZE else {}
    return {
        "mark": {"type": "rect", **border},
        "encoding": {"color": {"field": "fill", "type": "nominal", "scale": None}},
    }


def _format_percentage(count: int, rows: int) -> str:
    """Format the share of the actual class, of which there may be no row.

    Only shares of exactly 0 and 1 are written as `0%` and `100%`.
    """
    if not rows:
        return ""
    percentage = 100 * count / rows
    if count and percentage < 1:
        return "<1%"
    if count < rows and percentage > _MAX_PERCENTAGE:
        return f">{_MAX_PERCENTAGE}%"
    return f"{percentage:.0f}%"


def _build_numbers(font_size: float, cell_size: float) -> list[Document]:
    """Build the layers of the counts and, where the cells have room, of the percentages below them."""
    if font_size < _MIN_FONT_SIZE:
        return []
    percentage_size = font_size * _PERCENTAGE_SCALE
    if percentage_size < _MIN_FONT_SIZE or cell_size < _MIN_LINE_RATIO * font_size:
        return [_build_text_layer("count", font_size, 0)]
    return [
        _build_text_layer("count", font_size, -0.55 * font_size),
        _build_text_layer("percentage", percentage_size, 0.75 * font_size),
    ]


def _build_text_layer(field: str, font_size: float, offset: float) -> Document:
    text = {"field": field, "type": "nominal"}
    if field == "count":
        text = {"field": field, "type": "quantitative", "format": ","}
    return {
        "mark": {"type": "text", "fontSize": font_size, "dy": offset},
        "encoding": {"text": text, "color": {"field": "letters", "type": "nominal", "scale": None}},
    }
