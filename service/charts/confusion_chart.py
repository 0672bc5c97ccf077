"""A confusion matrix as a heat map with its counts."""

import math
from collections.abc import Sequence
from typing import Any

from service.charts import text_format
from service.charts.chart_style import PADDING, TEXT, Document, Look, framed
from service.charts.colors import Palette, on

_NAME = 86
_LABELS = _NAME + 10
"""Pixels for the name of a class, and for the names beside the matrix, and below it where they stand upright."""
_BESIDE, _ABOVE = 26, 84
"""Pixels for the titles: the vertical axis's, and the picture's with the horizontal axis's."""
_WIDEST = 84
"""Pixels of a cell."""
_LETTER = 0.62
"""A digit's width, of its height."""
_SMALLEST, _LARGEST = 7.0, 13.0
"""Pixels of a digit's height; smaller ones are left out."""


def document(confusion: dict[str, Any], title: str, subtitle: str, look: Look) -> Document:
    """Draw a confusion matrix.

    Args:
        confusion: `classes`, and `matrix`, whose rows are the actual classes.
        title: whose it is.
        subtitle: what is to be known of it in a line.
        look: of the picture; cells are square, so that it may be smaller than asked for.

    """
    names = text_format.distinct(text_format.fitted(str(name), _NAME, TEXT) for name in confusion["classes"])
    matrix: list[list[int]] = confusion["matrix"]
    cell = _cell(len(names), look)
    most = max(len(f"{count:,}") for row in matrix for count in row)
    letters = min(_LARGEST, 0.9 * cell / (_LETTER * most))
    upright = max(len(name) for name in names) * _LARGEST * _LETTER > cell
    content: Document = {
        "width": cell * len(names),
        "height": cell * len(names),
        "data": {"values": _cells(names, matrix, look.palette)},
        "encoding": {
            "x": _axis("predicted", "Predicted", names) | {"axis": _labels("Predicted", upright=upright)},
            "y": _axis("actual", "Actual", names) | {"axis": _labels("Actual", upright=False)},
        },
        "layer": [_shades(look.palette, cell), *([_counts(letters)] if letters >= _SMALLEST else [])],
    }
    return framed(content, title, subtitle, look)


def _cell(classes: int, look: Look) -> float:
    """Pixels of a cell's side."""
    across = (look.width - 2 * PADDING - _LABELS - _BESIDE) / classes
    down = _WIDEST if look.height is None else (look.height - 2 * PADDING - _LABELS - _ABOVE) / classes
    return max(1.0, min(across, down, _WIDEST))


def _cells(names: Sequence[str], matrix: Sequence[Sequence[int]], palette: Palette) -> list[Document]:
    """A row for each cell; its shade is the root of its share of the actual class, so that few errors show too."""
    made: list[Document] = []
    for actual, row in zip(names, matrix, strict=True):
        rows = sum(row)
        for predicted, count in zip(names, row, strict=True):
            fill = palette.shade(math.sqrt(count / rows) if rows else 0.0)
            letters = palette.muted if count == 0 else on(fill)
            made.append({"actual": actual, "predicted": predicted, "count": count, "fill": fill, "letters": letters})
    return made


def _axis(field: str, title: str, names: Sequence[str]) -> Document:
    return {"field": field, "type": "ordinal", "title": title, "scale": {"domain": list(names), "padding": 0}}


def _labels(title: str, *, upright: bool) -> Document:
    return {
        "title": title,
        "labelAngle": -90 if upright else 0,
        "labelOverlap": True,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "grid": False,
    }


def _shades(palette: Palette, cell: float) -> Document:
    edge = {"stroke": palette.background, "strokeWidth": 1} if cell > _SMALLEST else {}
    return {
        "mark": {"type": "rect", **edge},
        "encoding": {"color": {"field": "fill", "type": "nominal", "scale": None}},
    }


def _counts(letters: float) -> Document:
    return {
        "mark": {"type": "text", "fontSize": letters},
        "encoding": {
            "text": {"field": "count", "type": "quantitative", "format": ","},
            "color": {"field": "letters", "type": "nominal", "scale": None},
        },
    }
