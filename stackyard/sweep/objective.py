"""The objective of a sweep with its metric and its direction filled in."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, PatchOperation, format_value
from stackyard.spec.suggestions import find_similar_name, format_suggestion
from stackyard.spec.training.metric_directions import list_maximized_columns
from stackyard.sweep.sweep_spec import SweepSpec

METRIC_POINTER = "/objective/metric"


@dataclass(frozen=True)
class ResolvedObjective:
    """The column of the history that is compared, the direction that is better, and the epoch that counts."""

    metric: str
    mode: Literal["min", "max"]
    at: Literal["best", "last"]

    @property
    def sign(self) -> int:
        """1 if less is better, -1 if more is better: `sign * value` is to be minimized."""
        return 1 if self.mode == "min" else -1

    def is_better(self, value: float, other: float) -> bool:
        """Return whether a value is better than another one."""
        return self.sign * value < self.sign * other

    def sort_key(self, value: float | None) -> float:
        """Return a key that puts the best value first, and a trial without a finite value last."""
        return math.inf if value is None or not math.isfinite(value) else self.sign * value

    def select_best(self, values: Iterable[float]) -> float | None:
        """Return the best of the finite values; None if there is none."""
        return min((value for value in values if math.isfinite(value)), key=self.sort_key, default=None)


def resolve_objective(sweep: SweepSpec) -> ResolvedObjective:
    """Return the objective of a sweep. The base decides on its defaults; of a list, the first spec."""
    spec = sweep.base or next(iter(sweep.specs), None)
    metric, mode = sweep.objective.metric or _choose_metric(spec), sweep.objective.mode
    if mode == "auto":
        maximized = frozenset[str]() if spec is None else list_maximized_columns(spec.training)
        mode = "max" if metric in maximized else "min"
    return ResolvedObjective(metric, mode, sweep.objective.at)


def check_objective(objective: ResolvedObjective, columns: Sequence[str]) -> Fault | None:
    """Return the fault of an objective that the history of a trial does not have.

    Args:
        objective: The objective.
        columns: The columns of the trial's history.

    """
    if objective.metric in columns:
        return None
    message = f"expected one of {', '.join(columns)}; received {format_value(objective.metric)}"
    if objective.metric.removeprefix("val_") in columns:
        fix, patch = "it needs a data.split.validation in the base", None
    else:
        similar = find_similar_name(objective.metric, columns)
        fix = format_suggestion(similar)
        patch = similar and (PatchOperation(op="replace", path=METRIC_POINTER, value=similar),)
    return Fault(pointer=METRIC_POINTER, message=message, received=objective.metric, fix=fix, patch=patch or None)


def _choose_metric(spec: JobSpec | None) -> str:
    return "val_loss" if spec is not None and spec.data.split.validation is not None else "loss"
