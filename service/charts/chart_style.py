"""Fonts, sizes, colors and the frame of all charts."""

from dataclasses import dataclass
from typing import Any

from service.charts import text_format
from service.charts.colors import PALETTES, Palette, Theme

Document = dict[str, Any]
"""A Vega-Lite document, or a part of one, that contains its data."""

PADDING = 16
FONT_SIZE = 12
_TITLE_SIZE = 16
"""Pixels: the padding of a chart, and the font sizes of its text and title."""
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The renderer includes the first font. The others are as wide, for viewers of an SVG that lack it."""


@dataclass(frozen=True)
class ChartStyle:
    """Theme and size of a chart. Width and height are those of the whole chart, in pixels of the SVG.

    A height of None depends on the content.
    """

    theme: Theme = "light"
    width: int = 640
    height: int | None = None

    @property
    def palette(self) -> Palette:
        """Return the colors of the theme."""
        return PALETTES[self.theme]


def build_document(content: Document, title: str, subtitle: str, style: ChartStyle) -> Document:
    """Return a complete document with a title above the content. All text is data, never an expression."""
    width = style.width - 2 * PADDING
    return {
        "background": style.palette.background,
        "padding": PADDING,
        "title": {
            "text": text_format.shorten_text(title, width, 1.07 * _TITLE_SIZE),  # bold letters are wider
            "subtitle": text_format.shorten_text(subtitle, width, FONT_SIZE),
        },
        "config": _build_config(style.palette),
        **content,
    }


def build_notice(text: str, title: str, subtitle: str, style: ChartStyle) -> Document:
    """Return a chart with a message that explains why there is no data."""
    content: Document = {
        "width": style.width - 2 * PADDING,
        "height": (style.height or 240) - 2 * PADDING - 46,
        "data": {"values": [{"text": text_format.shorten_text(text, style.width - 2 * PADDING, 14)}]},
        "mark": {"type": "text", "fontSize": 14, "color": style.palette.muted},
        "encoding": {"text": {"field": "text"}},
        "view": {"stroke": None},
    }
    return build_document(content, title, subtitle, style)


def _build_config(palette: Palette) -> Document:
    axis: Document = {
        "labelColor": palette.muted,
        "titleColor": palette.text,
        "labelFontSize": FONT_SIZE - 1,
        "labelLimit": 0,
        "labelFlush": False,  # a label at an end of the axis is centered on its tick, too
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": palette.grid,
        "domainColor": palette.muted,
        "tickColor": palette.muted,
    }
    return {
        "font": _FONT,
        "aria": False,  # a label for each point would double the size
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": palette.text,
            "fontSize": _TITLE_SIZE,
            "fontWeight": "bold",
            "subtitleColor": palette.muted,
            "subtitleFontSize": FONT_SIZE,
            "subtitlePadding": 5,
            "offset": 12,
        },
        "axis": axis,
        "legend": {
            "labelColor": palette.text,
            "labelFontSize": FONT_SIZE,
            "labelLimit": 0,
            "symbolType": "stroke",
            "symbolSize": 400,
            "symbolStrokeWidth": 2,
            "symbolOpacity": 1,
            "orient": "top",
            "title": None,
            "rowPadding": 3,
            "columnPadding": 18,
            "offset": 8,
        },
    }
