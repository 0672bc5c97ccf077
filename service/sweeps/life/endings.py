"""Why and how a sweep ends."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Sweep, SweepState, Trial, TrialState
from service.jobs import lifecycle
from service.sweeps.life.plan import SweepPlan

_MAX_INVALID_TRIALS = 200
"""Number of invalid trials in a row after which a search of a space without an end gives up."""


@dataclass(frozen=True)
class Ending:
    """The end that a sweep is about to have, once no job of it can run any more.

    Args:
        state: the state that the sweep will have.
        reason: why it ends.
        stops_jobs: whether its jobs are cancelled; otherwise they train to their end.
        reruns_best: whether the best trials are first repeated on fresh seeds, if the sweep asks for that.

    """

    state: SweepState
    reason: dict[str, Any]
    stops_jobs: bool = False
    reruns_best: bool = True

    @classmethod
    def of(cls, sweep: Sweep) -> Self | None:
        """Return the ending of a sweep; None if it goes on."""
        stored = sweep.ending
        if stored is None:
            return None
        return cls(SweepState(stored["state"]), stored["reason"], stored["stops_jobs"], stored["reruns_best"])

    def store(self, sweep: Sweep) -> None:
        """Record that the sweep is to end."""
        sweep.ending = {**asdict(self), "state": self.state.value}


def find_stop(session: Session, sweep: Sweep, plan: SweepPlan) -> Ending | None:
    """Return the ending of a sweep whose stop condition is met; None if none is."""
    stop, best = plan.spec.stop, sweep.best_value
    if stop.failed is not None and (failed := _count_failed(session, sweep)) >= stop.failed:
        message = f"{failed} of its trials have failed."
        return Ending(
            SweepState.FAILED, lifecycle.build_reason("too_many_failed", message), stops_jobs=True, reruns_best=False
        )
    if stop.target is not None and best is not None and not plan.objective.is_better(stop.target, best):
        message = f"Trial {sweep.best_trial} has reached the target, with {best:g}."
        return Ending(SweepState.SUCCEEDED, lifecycle.build_reason("target_reached", message), stops_jobs=True)
    if stop.no_better_for is not None and sweep.no_better_count >= stop.no_better_for:
        message = f"The last {sweep.no_better_count} trials were no better than trial {sweep.best_trial}."
        return Ending(SweepState.SUCCEEDED, lifecycle.build_reason("no_better", message), stops_jobs=True)
    return None


def find_endless_refusal(session: Session, sweep: Sweep) -> Ending | None:
    """Return the ending of a sweep that has proposed nothing but invalid trials for long; None otherwise."""
    query = select(func.max(Trial.number)).where(Trial.sweep_id == sweep.id, Trial.state != TrialState.INVALID)
    last_valid = session.scalar(query)
    refused = sweep.trial_count - 1 - (-1 if last_valid is None else last_valid)
    if refused < _MAX_INVALID_TRIALS:
        return None
    message = f"The last {refused} trials were invalid; check the space."
    return Ending(SweepState.FAILED, lifecycle.build_reason("invalid_space", message), reruns_best=False)


def build_budget_ending(bound: str) -> Ending:
    """Return the ending of a sweep whose next trial would exceed a bound of the budget."""
    reason = lifecycle.build_reason(f"budget_{bound}", f"Its budget of {bound} is used up.")
    return Ending(SweepState.SUCCEEDED, reason)


def build_exhausted_ending() -> Ending:
    """Return the ending of a sweep that has tried its whole space or list."""
    return Ending(SweepState.SUCCEEDED, lifecycle.build_reason("exhausted", "All its trials are done."))


def build_dataset_ending() -> Ending:
    """Return the ending of a sweep whose dataset was deleted."""
    reason = lifecycle.build_reason("dataset_deleted", "A dataset of the sweep was deleted.")
    return Ending(SweepState.FAILED, reason, reruns_best=False)


def _count_failed(session: Session, sweep: Sweep) -> int:
    query = select(func.count()).where(Trial.sweep_id == sweep.id, Trial.state == TrialState.FAILED)
    return session.scalar(query) or 0
