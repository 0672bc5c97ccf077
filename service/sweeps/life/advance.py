"""Advance a sweep as far as its rows allow."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import SWEEP_END_STATES, Job, Sweep, SweepState, Trial, TrialState
from service.db.database import get_current_time
from service.errors import NotFound
from service.jobs import lifecycle
from service.jobs.validation import ValidatedSpec
from service.sweeps.life import endings, trial_jobs
from service.sweeps.life.endings import Ending
from service.sweeps.life.plan import SweepPlan, load_plan
from service.sweeps.life.promotion import Promoter
from service.sweeps.life.reruns import Rerunner, choose_best_trial
from service.sweeps.life.settlement import Settler, report_trial
from service.sweeps.life.starting import Started, Starter
from service.sweeps.life.trial_jobs import SpecValidator
from service.sweeps.life.usage import (
    Allowance,
    Usage,
    compute_allowance,
    count_fitting_trials,
    count_trials_by_state,
    load_usage,
)
from service.team.session_scope import Ownership, act_for
from stackyard.spec import Limits, SpecError

_NOT_PROMOTED = lifecycle.build_reason("not_promoted", "The sweep ended before the trial was promoted.")
_MAX_WAITING_TRIALS = 2000
"""Number of trials of a sweep without `max_concurrent` that wait or run; a larger search is queued as they end."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Advance:
    """The result of advancing a sweep: jobs that now wait, by queue, and whether the next transaction has more to do.

    `has_ended` says that the sweep is in its final state. `waits_for_places` says that its owner has as many waiting
    jobs as they may: more work follows once some of them have started.
    """

    queues: Counter[str] = field(default_factory=Counter[str])
    has_more: bool = False
    has_ended: bool = False
    waits_for_places: bool = False


def advance_sweep(
    session: Session, sweep_id: UUID, limits: Limits, checked_specs: Sequence[ValidatedSpec] = ()
) -> Advance:
    """Settle trials, promote and start others, and end the sweep, as far as the rows allow.

    Repeating it changes nothing. Concurrent calls for one sweep wait for each other.

    Args:
        session: in a transaction that may write.
        sweep_id: the sweep; nothing happens if it does not exist or has ended.
        limits: bounds on the specs of new trials.
        checked_specs: the specs of the first trials, if the caller has checked them just now, in order.

    """
    sweep = session.get(Sweep, sweep_id, with_for_update=True, populate_existing=True)
    if sweep is None or sweep.state in SWEEP_END_STATES:
        return Advance(has_ended=True)
    try:
        plan = load_plan(sweep)
    except (SpecError, ValidationError) as error:
        log.warning("sweep not read", action="spec_unreadable", sweep=str(sweep_id), error=str(error))
        _end_unreadable_sweep(session, sweep)
        return Advance(has_ended=True)
    before = _summarize(sweep)
    with act_for(session, Ownership(sweep.project_id, sweep.owner_id)):
        advance = _Advancer(session, sweep, plan, SpecValidator(session, sweep, limits, checked_specs)).advance()
    sweep.has_more_work = advance.has_more or advance.waits_for_places
    if _summarize(sweep) != before or advance.queues:
        sweep.changed_at = get_current_time(session)
    return advance


class _Advancer:
    """Advances one sweep whose row is locked."""

    def __init__(self, session: Session, sweep: Sweep, plan: SweepPlan, validator: SpecValidator) -> None:
        self._session = session
        self._sweep = sweep
        self._plan = plan
        self._validator = validator
        self._settler = Settler(session, sweep, plan, validator)
        self._queues: Counter[str] = Counter()
        self._has_waiting_reruns = False

    def advance(self) -> Advance:
        try:
            self._queues += self._settler.settle_trials()
        except NotFound:  # the dataset of a job that is to be repeated
            endings.build_dataset_ending().store(self._sweep)
        if self._sweep.ending is None and (stop := endings.find_stop(self._session, self._sweep, self._plan)):
            stop.store(self._sweep)
        self._stop_jobs()
        started = self._start_trials() if self._is_searching() else Started()
        self._queues += started.queues
        has_ended = not started.has_more and self._end_if_idle(Ending.of(self._sweep) or started.ending)
        waits_for_places = not has_ended and (started.waits_for_places or self._has_waiting_reruns)
        return Advance(self._queues, started.has_more, has_ended, waits_for_places)

    def _is_searching(self) -> bool:
        return self._sweep.state is SweepState.RUNNING and self._sweep.ending is None

    def _stop_jobs(self) -> None:
        """Cancel the jobs of a sweep that ends without waiting for them, and settle the trials of idle ones."""
        ending = Ending.of(self._sweep)
        if ending is None or not ending.stops_jobs or (ending.reruns_best and self._sweep.rerun_trials is not None):
            return
        trial_jobs.cancel_jobs(self._session, [Job.sweep_id == self._sweep.id], ending.reason)
        self._settler.settle_trials()

    def _start_trials(self) -> Started:
        """Promote held trials and start new ones."""
        capacity = self._compute_capacity()
        usage = load_usage(self._session, self._sweep.id, self._plan)
        allowance = compute_allowance(self._session, self._sweep.id, self._plan)
        promoter = Promoter(self._session, self._sweep, self._plan, allowance)
        promoted = promoter.promote_trials(usage, capacity)
        capacity -= promoted.count
        started = self._start_new_trials(allowance, promoted.usage, capacity)
        started.queues += promoted.queues
        if started.ending is not None and not self._count_waiting_trials():
            started.queues += promoter.promote_trials(promoted.usage, capacity, is_over=True).queues
        return started

    def _start_new_trials(self, allowance: Allowance, usage: Usage, capacity: int) -> Started:
        if self._plan.spec.method == "external":
            bound = allowance.find_exhausted(usage, 1, 0)
            return Started(ending=None if bound is None else endings.build_budget_ending(bound))
        now = get_current_time(self._session)
        starter = Starter(self._session, self._sweep, self._plan, self._validator, allowance, now)
        fitting = count_fitting_trials(self._session, self._sweep.owner_id, capacity, self._plan.repeat_count)
        started = starter.start_trials(usage, fitting)
        started.waits_for_places = fitting < capacity and started.ending is None
        return started

    def _compute_capacity(self) -> int:
        """Return how many more trials may run or wait for a worker."""
        return (self._plan.spec.concurrency or _MAX_WAITING_TRIALS) - self._count_waiting_trials()

    def _count_waiting_trials(self) -> int:
        return count_trials_by_state(self._session, self._sweep.id)[TrialState.WAITING]

    def _end_if_idle(self, ending: Ending | None) -> bool:
        """End the sweep if it is to end and no trial of it waits or runs; return whether it has ended."""
        if ending is None or (self._sweep.rerun_trials is None and self._count_waiting_trials()):
            return False
        ending.store(self._sweep)
        if ending.reruns_best and self._sweep.state is SweepState.PAUSED:
            return False
        if ending.reruns_best and self._plan.spec.repeats.of_top is not None:
            reruns = Rerunner(self._session, self._sweep, self._plan, self._validator).start_reruns()
            self._queues += reruns.queues
            self._has_waiting_reruns = reruns.wait_for_places
        if self._count_waiting_trials() or self._has_waiting_reruns:
            return False
        self._halt_held_trials()
        choose_best_trial(self._session, self._sweep, self._plan)
        self._sweep.state, self._sweep.reason = ending.state, ending.reason
        self._sweep.finished_at = get_current_time(self._session)
        return True

    def _halt_held_trials(self) -> None:
        query = select(Trial).where(Trial.sweep_id == self._sweep.id, Trial.state == TrialState.HELD)
        held = self._session.scalars(query.order_by(Trial.number)).all()
        if not held:
            return
        trial_jobs.cancel_jobs(self._session, [Job.sweep_id == self._sweep.id], _NOT_PROMOTED)
        for trial in held:
            report_trial(
                self._session,
                self._sweep,
                self._plan,
                trial,
                state=TrialState.HALTED,
                value=trial.value,
                reason=_NOT_PROMOTED,
            )


def _end_unreadable_sweep(session: Session, sweep: Sweep) -> None:
    reason = lifecycle.build_reason("spec_unreadable", "This release cannot read the spec of the sweep.")
    trial_jobs.cancel_jobs(session, [Job.sweep_id == sweep.id], reason)
    sweep.state, sweep.reason, sweep.has_more_work = SweepState.FAILED, reason, False
    sweep.changed_at = sweep.finished_at = get_current_time(session)


def _summarize(sweep: Sweep) -> tuple[object, ...]:
    """Return what differs after a change of the sweep or of one of its trials."""
    return (sweep.state, sweep.ending, sweep.trial_count, sweep.report_count, sweep.rerun_trials, sweep.best_trial)
