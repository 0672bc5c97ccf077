"""Labels and size of a panel's legend."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.charts import text_format
from service.charts.chart_style import FONT_SIZE
from service.charts.panels import Panel

_SYMBOL_WIDTH = 48
"""Pixels of an entry beside its label."""
_FIRST_ROW_HEIGHT, _ROW_HEIGHT = 24, 17
"""Height in pixels of a legend of one row, and of each further row."""


@dataclass(frozen=True)
class Legend:
    """A legend with a unique label for each column of the history, in a grid of `columns` columns."""

    labels: Mapping[str, str]
    columns: int

    @property
    def height(self) -> int:
        """Return the height in pixels above the panel."""
        return _FIRST_ROW_HEIGHT + _ROW_HEIGHT * (-(-len(self.labels) // self.columns) - 1)


def build_legend(panel: Panel, width: float) -> Legend:
    """Build the legend of a panel of this width in pixels. If they fit, training and validation are side by side."""
    if len(panel.names) == 1:  # the axis already has the metric's name
        return Legend(
            {name: text_format.get_subset_name(name).capitalize() for name in panel.columns}, len(panel.columns)
        )
    labels = {
        name: f"{text_format.format_metric_name(name)}, {text_format.get_subset_name(name)}" for name in panel.columns
    }
    pair_size = max(len(names) for names in panel.names)
    label_width = width / pair_size - _SYMBOL_WIDTH
    columns = (
        pair_size if all(text_format.has_room_for(label, label_width, FONT_SIZE) for label in labels.values()) else 1
    )
    shortened = [
        text_format.shorten_text(label, width / columns - _SYMBOL_WIDTH, FONT_SIZE) for label in labels.values()
    ]
    return Legend(dict(zip(labels, text_format.make_unique(shortened), strict=True)), columns)
