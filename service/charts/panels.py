"""Grouping of metrics into panels with common axes."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from service.charts import text_format

_MAX_METRICS = 3
"""Maximum number of metrics in a panel, with two lines each."""
_MAX_RATIO = 10
"""Maximum ratio of the magnitudes of two metrics in a panel; beyond it the smaller line would look flat."""


@dataclass(frozen=True)
class Panel:
    """Metrics on the same axes. `names[i]` has the columns of metric i, training first."""

    names: Sequence[Sequence[str]]

    @property
    def columns(self) -> list[str]:
        """Return the columns of all metrics."""
        return [name for names in self.names for name in names]


def group_metrics(metrics: Mapping[str, Sequence[float]], maximized: Collection[str] = ()) -> list[Panel]:
    """Assign each metric to a panel, in the given order.

    A metric's training and validation columns share a panel. Different metrics share one if they have similar
    magnitudes and are both better when higher, or both when lower; `maximized` has the names of the former.
    """
    families: dict[str, list[str]] = {}
    for name in metrics:
        families.setdefault(text_format.get_base_metric(name), []).append(name)
    panels: list[list[list[str]]] = []
    for names in families.values():
        family = sorted(names, key=lambda name: name.startswith(text_format.VALIDATION_PREFIX))
        matching = [
            panel
            for panel in panels
            if len(panel) < _MAX_METRICS
            and (panel[0][0] in maximized) == (family[0] in maximized)
            and _is_similar(panel[0], family, metrics)
        ]
        if matching:
            matching[0].append(family)
        else:
            panels.append([family])
    return [Panel(panel) for panel in panels]


def _is_similar(first: Sequence[str], second: Sequence[str], metrics: Mapping[str, Sequence[float]]) -> bool:
    size, other_size = (
        _compute_magnitude([number for name in names for number in metrics[name]]) for names in (first, second)
    )
    return size <= _MAX_RATIO * other_size and other_size <= _MAX_RATIO * size


def _compute_magnitude(numbers: Sequence[float]) -> float:
    """Return the median of the absolute values. It is NaN, which is similar to nothing, if no number is finite."""
    return median([abs(number) for number in numbers if math.isfinite(number)] or [math.nan])
