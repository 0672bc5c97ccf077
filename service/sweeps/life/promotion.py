"""Promote held trials by successive halving, and halt those that never go on."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobState, Sweep, Trial, TrialState
from service.jobs import controls, lifecycle
from service.sweeps.halving import RungResult, decide_rungs
from service.sweeps.life import trial_jobs
from service.sweeps.life.plan import SweepPlan
from service.sweeps.life.settlement import report_trial
from service.sweeps.life.usage import Allowance, Usage

NOT_PROMOTED = lifecycle.build_reason("not_promoted", "Other trials were better at its rung.")
_COLUMNS = (Trial.number, Trial.state, Trial.reports, Trial.rung)


@dataclass
class Promotions:
    """The promoted trials: how many, their queued jobs by queue, and the usage with their further epochs."""

    usage: Usage
    count: int = 0
    queues: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True)
class Promoter:
    """Decides about the held trials of a sweep whose row is locked in the session's transaction."""

    session: Session
    sweep: Sweep
    plan: SweepPlan
    allowance: Allowance

    def promote_trials(self, usage: Usage, capacity: int, *, is_over: bool = False) -> Promotions:
        """Promote held trials, at most `capacity`, as far as the budget allows, and halt those that never go on.

        Args:
            usage: what the sweep has used so far.
            capacity: the number of trials that may start.
            is_over: whether no trial runs and no new one begins.

        """
        promotions = Promotions(usage)
        halving = self.plan.spec.halving
        if halving is None:
            return promotions
        results, held = self._load_results()
        if not held:
            return promotions
        max_trials = self.plan.spec.budget.trials
        decision = decide_rungs(
            self.plan.objective, halving.eta, results, held, max_trials=max_trials, is_over=is_over
        )
        for number, rung in decision.promoted[: max(0, capacity)]:
            self._promote_trial(number, rung, promotions)
        if not is_over:
            self._halt_trials(decision.halted)
        return promotions

    def _load_results(self) -> tuple[list[RungResult], set[int]]:
        rows = self.session.execute(select(*_COLUMNS).where(Trial.sweep_id == self.sweep.id)).all()
        results = [result for row in rows for result in _list_results(row.number, row, len(self.plan.rungs) + 1)]
        return results, {row.number for row in rows if row.state is TrialState.HELD}

    def _promote_trial(self, number: int, rung: int, promotions: Promotions) -> None:
        trial = self.session.get_one(Trial, (self.sweep.id, number))
        epochs = self._count_epochs(trial, rung)
        if self.allowance.find_exhausted(promotions.usage, 0, epochs - trial.epochs):
            return
        for job_id in self._list_held_jobs(number):
            job = controls.set_until_epoch(self.session, job_id, self.plan.get_rung_epochs(rung))
            promotions.queues[job.queue] += job.state is JobState.QUEUED
        promotions.usage = promotions.usage.add(0, epochs - trial.epochs)
        promotions.count += 1
        trial.state, trial.rung, trial.epochs = TrialState.WAITING, rung, epochs

    def _count_epochs(self, trial: Trial, rung: int) -> int:
        """Return the epochs that the jobs of a trial will have trained at most at a rung."""
        jobs = trial_jobs.load_trial_jobs(self.session, self.sweep.id, [trial.number])[trial.number]
        bound = self.plan.get_rung_epochs(rung)
        return sum(job.epochs_done if job.has_ended else bound or job.epochs for job in jobs)

    def _list_held_jobs(self, number: int) -> Collection[UUID]:
        query = select(Job.id).where(Job.sweep_id == self.sweep.id, Job.trial_number == number)
        held = query.where(Job.state == JobState.PAUSED).order_by(Job.id).with_for_update()
        return self.session.scalars(held).all()

    def _halt_trials(self, numbers: Collection[int]) -> None:
        if not numbers:
            return
        conditions = [Job.sweep_id == self.sweep.id, Job.trial_number.in_(numbers)]
        trial_jobs.cancel_jobs(self.session, conditions, NOT_PROMOTED)
        for number in sorted(numbers):
            trial = self.session.get_one(Trial, (self.sweep.id, number))
            report_trial(
                self.session,
                self.sweep,
                self.plan,
                trial,
                state=TrialState.HALTED,
                value=trial.value,
                reason=NOT_PROMOTED,
            )


def _list_results(number: int, trial: Any, rung_count: int) -> Iterator[RungResult]:
    """Yield the values of a trial at the rungs that it has reached; one that ended early has reached all of them.

    The whole training is the last of them.
    """
    values = [report["value"] for report in trial.reports[:rung_count]]
    if trial.state is TrialState.COMPLETE and values:
        values += [values[-1]] * (rung_count - len(values))
    yield from (RungResult(number, rung, value) for rung, value in enumerate(values))
