"""Letters and the frame: what every chart has in common."""

from dataclasses import dataclass
from typing import Any

from service.charts import text_format
from service.charts.colors import PALETTES, Palette, Theme

Document = dict[str, Any]
"""Vega-Lite, or a part of it; its data is inside."""

PADDING = 16
TEXT = 12
_TITLE = 16
"""Pixels: around a picture, and the height of letters."""
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The renderer brings the first; the others, which viewers of an SVG have, are as wide."""


@dataclass(frozen=True)
class Look:
    """How a picture is to look; width and height are the whole picture's, in pixels of the SVG.

    A height of None is what suits the content.
    """

    theme: Theme = "light"
    width: int = 640
    height: int | None = None

    @property
    def palette(self) -> Palette:
        """The theme's colours."""
        return PALETTES[self.theme]


def framed(content: Document, title: str, subtitle: str, look: Look) -> Document:
    """A whole document: some content under a title. All text is data; none of it is an expression."""
    room = look.width - 2 * PADDING
    return {
        "background": look.palette.background,
        "padding": PADDING,
        "title": {
            "text": text_format.fitted(title, room, 1.07 * _TITLE),  # which is bold
            "subtitle": text_format.fitted(subtitle, room, TEXT),
        },
        "config": _config(look.palette),
        **content,
    }


def notice(text: str, title: str, subtitle: str, look: Look) -> Document:
    """A picture that says in words why there is nothing to draw."""
    content: Document = {
        "width": look.width - 2 * PADDING,
        "height": (look.height or 240) - 2 * PADDING - 46,
        "data": {"values": [{"text": text_format.fitted(text, look.width - 2 * PADDING, 14)}]},
        "mark": {"type": "text", "fontSize": 14, "color": look.palette.muted},
        "encoding": {"text": {"field": "text"}},
        "view": {"stroke": None},
    }
    return framed(content, title, subtitle, look)


def _config(palette: Palette) -> Document:
    axis: Document = {
        "labelColor": palette.muted,
        "titleColor": palette.text,
        "labelFontSize": TEXT - 1,
        "labelLimit": 0,
        "titleFontSize": TEXT,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": palette.grid,
        "domainColor": palette.muted,
        "tickColor": palette.muted,
    }
    return {
        "font": _FONT,
        "aria": False,  # an element a point would have a label of its own, which doubles the size
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": palette.text,
            "fontSize": _TITLE,
            "fontWeight": "bold",
            "subtitleColor": palette.muted,
            "subtitleFontSize": TEXT,
            "subtitlePadding": 5,
            "offset": 12,
        },
        "axis": axis,
        "legend": {
            "labelColor": palette.text,
            "labelFontSize": TEXT,
            "labelLimit": 0,
            "symbolType": "stroke",
            "symbolSize": 400,
            "symbolStrokeWidth": 2,
            "orient": "top",
            "title": None,
            "rowPadding": 3,
            "columnPadding": 18,
            "offset": 8,
        },
    }
