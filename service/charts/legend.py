"""What a panel's legend says, and the room it takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.charts import text_format
from service.charts.chart_style import TEXT
from service.charts.panels import Panel

_SYMBOL = 48
"""Pixels of an entry beside its name."""
_FIRST_ROW, _ROW = 24, 17
"""Pixels of the height of a legend of one row, and of each row more."""


@dataclass(frozen=True)
class Legend:
    """`labels` has a name of its own for each column of the history; they stand in so many columns."""

    labels: Mapping[str, str]
    columns: int

    @property
    def height(self) -> int:
        """Pixels above the panel."""
        return _FIRST_ROW + _ROW * (-(-len(self.labels) // self.columns) - 1)


def of(panel: Panel, width: float) -> Legend:
    """The legend of a panel so many pixels wide; training and validation stand beside each other where they can."""
    if len(panel.names) == 1:  # then the axis says which metric it is
        return Legend({name: text_format.rows(name).capitalize() for name in panel.columns}, len(panel.columns))
    whole = {name: f"{text_format.metric(name)}, {text_format.rows(name)}" for name in panel.columns}
    pairs = max(len(names) for names in panel.names)
    room = width / pairs - _SYMBOL
    columns = pairs if all(text_format.fits(label, room, TEXT) for label in whole.values()) else 1
    fitted = [text_format.fitted(label, width / columns - _SYMBOL, TEXT) for label in whole.values()]
    return Legend(dict(zip(whole, text_format.distinct(fitted), strict=True)), columns)
