"""Which metrics share axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from service.charts import text_format
from service.history import metric_history

_MOST = 3
"""Metrics in a panel, with two lines each."""
_SPREAD = 10
"""Beyond this ratio of their sizes, the smaller of two metrics would be flat beside the other."""


@dataclass(frozen=True)
class Panel:
    """Metrics on the same axes: `names[i]` are the columns, training first, of the i-th of them."""

    names: Sequence[Sequence[str]]

    @property
    def columns(self) -> list[str]:
        """All of the columns."""
        return [name for names in self.names for name in names]


def divide(metrics: Mapping[str, Sequence[float]]) -> list[Panel]:
    """Give every metric a panel, in the order in which they come.

    A metric's training and validation rows stay together. Different metrics share a panel where they are of like size
    and are both better when greater, or both when smaller.
    """
    families: dict[str, list[str]] = {}
    for name in metrics:
        families.setdefault(text_format.base(name), []).append(name)
    panels: list[list[list[str]]] = []
    for names in families.values():
        family = sorted(names, key=lambda name: name.startswith(text_format.VALIDATION))
        room = [panel for panel in panels if len(panel) < _MOST and _alike(panel[0], family, metrics)]
        if room:
            room[0].append(family)
        else:
            panels.append([family])
    return [Panel(panel) for panel in panels]


def _alike(these: Sequence[str], those: Sequence[str], metrics: Mapping[str, Sequence[float]]) -> bool:
    if metric_history.higher_is_better(these[0]) != metric_history.higher_is_better(those[0]):
        return False
    one, other = (_size([number for name in names for number in metrics[name]]) for names in (these, those))
    return one <= _SPREAD * other and other <= _SPREAD * one


def _size(numbers: Sequence[float]) -> float:
    """How large the numbers are in the middle; NaN, which is like nothing, where none is finite."""
    return median([abs(number) for number in numbers if math.isfinite(number)] or [math.nan])
