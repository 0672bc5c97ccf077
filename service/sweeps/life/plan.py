"""A sweep's parsed spec, with what follows from it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from models import Sweep
from service.errors import Conflict
from stackyard.spec import JobSpec, SpecError
from stackyard.spec.training.metric_directions import list_maximized_columns
from stackyard.sweep import (
    Parameters,
    ResolvedObjective,
    SearchSpace,
    SweepSpec,
    TrialSpecBuilder,
    list_sweep_rungs,
    load_sweep_spec,
    resolve_objective,
    resolve_space,
)

_MAX_CACHED_PLANS = 64


@dataclass(frozen=True)
class SweepPlan:
    """A parsed sweep. `rungs` are the numbers of epochs at which trials are held, without the whole training."""

    spec: SweepSpec
    space: SearchSpace
    objective: ResolvedObjective
    rungs: Sequence[int]
    builder: TrialSpecBuilder

    @property
    def repeat_count(self) -> int:
        """The number of jobs of each trial before the reruns of the best."""
        return self.spec.repeats.count if self.spec.repeats.of_top is None else 1

    def get_rung_epochs(self, rung: int) -> int | None:
        """Return the number of epochs up to which a trial trains for a rung; None for the whole training."""
        return self.rungs[rung] if rung < len(self.rungs) else None

    def uses_recorded_best(self) -> bool:
        """Return whether the best value that is recorded with each job has the direction of the objective."""
        spec = self.spec.base or next(iter(self.spec.specs), None)
        is_maximized = spec is not None and self.objective.metric in list_maximized_columns(spec.training)
        return is_maximized == (self.objective.mode == "max")

    def build_spec(self, parameters: Parameters, repeat: int, rung: int | None) -> JobSpec:
        """Return the job spec of a repeat of a trial, which pauses at a rung; None stands for the whole training.

        Raises:
            SpecError: the space does not have these parameters, or the spec is not valid.

        """
        spec = self.builder.parse(parameters, repeat)
        until_epoch = None if rung is None else self.get_rung_epochs(rung)
        return spec.model_copy(update={"run": spec.run.model_copy(update={"until_epoch": until_epoch})})


class _PlanCache:
    """The plans of the sweeps that this process has seen last, because parsing one may take long."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[UUID, int], SweepPlan] = OrderedDict()
        self._lock = Lock()

    def load(self, sweep: Sweep) -> SweepPlan:
        key = (sweep.id, sweep.spec_version)
        with self._lock:
            plan = self._plans.pop(key, None)
        plan = plan or parse_plan(sweep.spec)
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > _MAX_CACHED_PLANS:
                self._plans.popitem(last=False)
        return plan


_CACHE = _PlanCache()


def load_plan(sweep: Sweep) -> SweepPlan:
    """Return the plan of a sweep.

    Raises:
        ValidationError: this release cannot read its spec.
        SpecError: this release cannot resolve its space.

    """
    return _CACHE.load(sweep)


def find_plan(sweep: Sweep) -> SweepPlan | None:
    """Return the plan of a sweep; None if this release cannot read its spec."""
    try:
        return load_plan(sweep)
    except (SpecError, ValidationError):
        return None


def require_plan(sweep: Sweep) -> SweepPlan:
    """Return the plan of a sweep for a request that needs it.

    Raises:
        Conflict: this release cannot read its spec.

    """
    plan = find_plan(sweep)
    if plan is None:
        raise Conflict("spec_unreadable", "This release cannot read the spec of the sweep; submit it again.")
    return plan


def parse_plan(document: dict[str, Any]) -> SweepPlan:
    """Return the plan of a sweep from its spec as JSON.

    Raises:
        ValidationError: this release cannot read the spec.
        SpecError: this release cannot resolve its space.

    """
    spec = load_sweep_spec(document)
    space = resolve_space(spec)
    rungs = list_sweep_rungs(spec)[:-1]
    return SweepPlan(spec, space, resolve_objective(spec), rungs, TrialSpecBuilder(spec, space))
