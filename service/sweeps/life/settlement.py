"""Settle trials whose jobs have ended or are held at a rung."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from models import OPEN_TRIAL_STATES, TERMINAL_STATES, Job, JobState, Sweep, SweepState, Trial, TrialState
from service.db.database import get_current_time
from service.jobs import lifecycle
from service.sweeps.life import trial_jobs
from service.sweeps.life.objective_values import load_objective_values
from service.sweeps.life.plan import SweepPlan
from service.sweeps.life.trial_jobs import SpecValidator, TrialJob

_MAX_LOSSES = 3
"""Number of jobs of one trial that fail through the installation before the sweep pauses."""
_BATCH_SIZE = 500
_STATES_OF_BAD_JOBS = {
    JobState.FAILED: TrialState.FAILED,
    JobState.DIVERGED: TrialState.DIVERGED,
    JobState.CANCELLED: TrialState.HALTED,
}
"""The state of a trial by that of a job without a result, the state that explains most first."""
_JOB_DELETED = lifecycle.build_reason("job_deleted", "One of its jobs was deleted before it ended.")


@dataclass(frozen=True)
class Settler:
    """Settles the trials of a sweep whose row is locked in the session's transaction."""

    session: Session
    sweep: Sweep
    plan: SweepPlan
    validator: SpecValidator

    def settle_trials(self) -> Counter[str]:
        """Settle all trials that can be settled now, in the order of their numbers.

        Returns:
            The number of jobs that replace lost ones, by queue.

        """
        replacements: Counter[str] = Counter()
        numbers = self._list_changed_trials()
        for start in range(0, len(numbers), _BATCH_SIZE):
            replacements += self._settle_batch(numbers[start : start + _BATCH_SIZE])
        return replacements

    def _list_changed_trials(self) -> Sequence[int]:
        """Return the numbers of open trials with an ended job, with one at a rung, or with fewer jobs than needed."""
        job_count = func.count(Job.id)
        has_ended = Job.state.in_(TERMINAL_STATES)
        is_at_rung = and_(Job.state == JobState.PAUSED, Trial.state == TrialState.WAITING, Job.finished_at.is_(None))
        query = (
            select(Trial.number)
            .outerjoin(Job, and_(Job.sweep_id == Trial.sweep_id, Job.trial_number == Trial.number))
            .where(Trial.sweep_id == self.sweep.id, Trial.state.in_(OPEN_TRIAL_STATES))
            .group_by(Trial.number, Trial.rerun_count)
            .having(or_(_count_if(or_(has_ended, is_at_rung)) > 0, job_count < self._count_expected_jobs()))
        )
        return self.session.scalars(query.order_by(Trial.number)).all()

    def _count_expected_jobs(self) -> ColumnElement[int]:
        return Trial.rerun_count + self.plan.repeat_count

    def _settle_batch(self, numbers: Sequence[int]) -> Counter[str]:
        jobs = trial_jobs.load_trial_jobs(self.session, self.sweep.id, numbers)
        values = load_objective_values(self.session, self.plan, [job.id for rows in jobs.values() for job in rows])
        query = select(Trial).where(Trial.sweep_id == self.sweep.id, Trial.number.in_(numbers))
        replacements: Counter[str] = Counter()
        for trial in self.session.scalars(query.order_by(Trial.number)).all():
            trial_jobs_so_far = jobs.get(trial.number, [])
            lost = [job for job in trial_jobs_so_far if job.is_lost and _counts(job, trial)]
            if lost and self._repeats_lost_jobs():
                replacements += self._replace_jobs(trial, lost)
            elif not lost or self.sweep.ending is not None:
                self._settle_trial(trial, trial_jobs_so_far, values)
        return replacements

    def _repeats_lost_jobs(self) -> bool:
        """Return whether lost jobs are repeated now: not while the sweep is paused, nor once its search has ended."""
        is_active = self.sweep.ending is None or self.sweep.rerun_trials is not None
        return self.sweep.state is SweepState.RUNNING and is_active

    def _replace_jobs(self, trial: Trial, lost: Sequence[TrialJob]) -> Counter[str]:
        """Repeat jobs that failed through the installation. If that happens too often, pause the sweep instead."""
        if trial.losses >= _MAX_LOSSES:
            self.sweep.state = SweepState.PAUSED
            message = f"{trial.losses + 1} jobs of trial {trial.number} failed: {(lost[0].reason or {})['message']}"
            self.sweep.reason = lifecycle.build_reason("installation_failing", message)
            trial_jobs.pause_jobs(self.session, self.sweep.id)
            return Counter()
        trial.losses += len(lost)
        replacements: Counter[str] = Counter()
        for job in lost:
            replacements += trial_jobs.replace_lost_job(self.session, self.validator, job)
        return replacements

    def _settle_trial(self, trial: Trial, all_jobs: Sequence[TrialJob], values: Mapping[UUID, float]) -> None:
        jobs = [job for job in all_jobs if _counts(job, trial)]
        rung_epochs = None if trial.rerun_count else self.plan.get_rung_epochs(trial.rung)
        held_jobs = [job for job in jobs if job.has_reached(rung_epochs)]
        open_jobs = [job for job in jobs if not job.has_ended and not job.has_reached(rung_epochs)]
        bad_job = _find_bad_job(jobs)
        is_incomplete = len(jobs) < (trial.rerun_count or self.plan.repeat_count)
        if bad_job is not None or is_incomplete:
            if [*open_jobs, *held_jobs]:
                all_jobs = self._stop_jobs(trial)
            if all(job.has_ended for job in all_jobs):
                _record_usage(trial, all_jobs)
                self._end_without_result(trial, bad_job)
        elif not open_jobs and not (held_jobs and trial.state is TrialState.HELD):
            _record_usage(trial, all_jobs)
            self._report_values(trial, [values.get(job.id) for job in jobs], is_held=bool(held_jobs))

    def _stop_jobs(self, trial: Trial) -> Sequence[TrialJob]:
        """Cancel the other jobs of a trial that has no result, and return all of its jobs as they are then."""
        reason = lifecycle.build_reason("trial_ended", f"Another job of trial {trial.number} has no result.")
        conditions = [Job.sweep_id == self.sweep.id, Job.trial_number == trial.number]
        trial_jobs.cancel_jobs(self.session, conditions, reason)
        return trial_jobs.load_trial_jobs(self.session, self.sweep.id, [trial.number]).get(trial.number, [])

    def _end_without_result(self, trial: Trial, bad_job: TrialJob | None) -> None:
        if bad_job is None:
            self._report(trial, TrialState.HALTED, None, _JOB_DELETED)
            return
        state = _STATES_OF_BAD_JOBS[bad_job.state]
        if state is TrialState.HALTED:
            self._report(trial, state, None, (self.sweep.ending or {}).get("reason") or bad_job.reason)
        else:
            trial.value, trial.repeat_values = None, []
            self._report(trial, state, None, bad_job.reason)

    def _report_values(self, trial: Trial, values: Sequence[float | None], *, is_held: bool) -> None:
        finite = [value for value in values if value is not None]
        if len(finite) == len(values):
            trial.repeat_values, trial.value = finite, fmean(finite)
            self._report(trial, TrialState.HELD if is_held else TrialState.COMPLETE, trial.value, None)
        elif is_held:
            self._report(trial, TrialState.HELD, None, None)
        else:
            message = f"Its jobs have no finite {self.plan.objective.metric}."
            self._report(trial, TrialState.FAILED, None, lifecycle.build_reason("metric_unavailable", message))

    def _report(self, trial: Trial, state: TrialState, value: float | None, reason: Mapping[str, Any] | None) -> None:
        report_trial(self.session, self.sweep, self.plan, trial, state=state, value=value, reason=reason)


def report_trial(
    session: Session,
    sweep: Sweep,
    plan: SweepPlan,
    trial: Trial,
    *,
    state: TrialState,
    value: float | None,
    reason: Mapping[str, Any] | None = None,
) -> None:
    """Give a trial a new state, and add its value to the reports of the sweep.

    Args:
        session: in a transaction that holds the lock of the sweep.
        sweep: the sweep.
        plan: its plan.
        trial: the trial, whose `epochs` are those that it has trained.
        state: `held`, or a final state.
        value: the objective; None without a finite one.
        reason: why it has that state.

    """
    report = {"epoch": trial.epochs // plan.repeat_count, "value": value, "number": sweep.report_count}
    if state in {TrialState.HELD, TrialState.COMPLETE, TrialState.DIVERGED}:
        trial.reports = [*trial.reports, report]
    sweep.report_count += 1
    trial.state, trial.reason = state, None if reason is None else dict(reason)
    if state is TrialState.HELD:
        return
    trial.finished_at = get_current_time(session)
    if trial.rerun_count == 0:
        _compare_with_best(sweep, plan, trial)


def _compare_with_best(sweep: Sweep, plan: SweepPlan, trial: Trial) -> None:
    if trial.state not in {TrialState.COMPLETE, TrialState.DIVERGED}:
        return
    is_first = sweep.best_value is None
    value = trial.value if trial.state is TrialState.COMPLETE else None
    if value is not None and (sweep.best_value is None or plan.objective.is_better(value, sweep.best_value)):
        sweep.best_trial, sweep.best_value, sweep.no_better_count = trial.number, value, 0
    elif not is_first:
        sweep.no_better_count += 1


def _find_bad_job(jobs: Sequence[TrialJob]) -> TrialJob | None:
    """Return the job whose state explains best why the trial has no result; None if no job ended without one."""
    return next((job for state in _STATES_OF_BAD_JOBS for job in jobs if job.state is state), None)


def _record_usage(trial: Trial, jobs: Sequence[TrialJob]) -> None:
    trial.epochs = sum(job.epochs_done for job in jobs)
    trial.seconds = sum(job.seconds for job in jobs)


def _counts(job: TrialJob, trial: Trial) -> bool:
    """Return whether a job decides about its trial now: reruns replace the first job."""
    return job.repeat > 0 or trial.rerun_count == 0


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
