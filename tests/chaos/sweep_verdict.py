"""The verdict on a sweep, from its rows alone: every trial once, exact budgets, reproducible proposals."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from models import Epoch, Job, JobState, Sweep, SweepState, Trial, TrialState
from service.db.database import SessionFactory
from service.sweeps.life.plan import SweepPlan, parse_plan
from service.sweeps.proposals import SeenTrial, propose_parameters

_END_STATES = frozenset(set(TrialState) - {TrialState.WAITING, TrialState.RUNNING, TrialState.HELD})
_MAX_PROPOSALS = 60
"""Number of proposals of `tpe` to compute again: each takes milliseconds."""


def judge_sweep(sessions: SessionFactory, sweep_id: UUID) -> list[str]:
    """Return what is wrong with a sweep that has had the time to end."""
    with sessions.read() as session:
        sweep = session.get(Sweep, sweep_id)
        if sweep is None:
            return [f"sweep {sweep_id} does not exist"]
        trials = session.scalars(select(Trial).where(Trial.sweep_id == sweep_id).order_by(Trial.number)).all()
        jobs = session.scalars(select(Job).where(Job.sweep_id == sweep_id)).all()
        epochs = Counter(session.scalars(select(Epoch.job_id).where(Epoch.job_id.in_([job.id for job in jobs]))))
    plan = parse_plan(sweep.spec)
    return [
        *_judge_end(sweep, trials, jobs),
        *_judge_jobs(plan, trials, jobs, epochs),
        *_judge_budget(plan, sweep, trials, jobs),
        *_judge_proposals(plan, trials),
    ]


def _judge_end(sweep: Sweep, trials: Sequence[Trial], jobs: Sequence[Job]) -> Iterator[str]:
    if sweep.state is not SweepState.SUCCEEDED:
        yield f"the sweep is {sweep.state.value}: {sweep.reason}"
    if [trial.number for trial in trials] != list(range(sweep.trial_count)):
        yield f"its trials are not numbered one by one up to {sweep.trial_count}"
    for trial in trials:
        if trial.state not in _END_STATES:
            yield f"trial {trial.number} is still {trial.state.value}"
    for job in jobs:
        if job.finished_at is None:
            yield f"the job of trial {job.trial_number} is still {job.state.value}"


def _judge_jobs(plan: SweepPlan, trials: Sequence[Trial], jobs: Sequence[Job], epochs: Counter[UUID]) -> Iterator[str]:
    by_trial: dict[int | None, list[Job]] = defaultdict(list)
    for job in jobs:
        by_trial[job.trial_number].append(job)
    for trial in trials:
        own = by_trial[trial.number]
        expected = 0 if trial.state is TrialState.INVALID else plan.repeat_count + trial.rerun_count
        if len(own) != expected:
            yield f"trial {trial.number} ({trial.state.value}) has {len(own)} jobs, not {expected}"
        if trial.state is TrialState.COMPLETE and {job.state for job in own} != {JobState.SUCCEEDED}:
            yield f"trial {trial.number} is complete, and not all of its jobs have succeeded"
        if trial.epochs != sum(job.epochs_done for job in own):
            yield f"trial {trial.number} counts {trial.epochs} epochs, not those of its jobs"
        if any(epochs[job.id] != job.epochs_done for job in own):
            yield f"trial {trial.number} has a job with more or fewer epochs than it has recorded"
    for job in by_trial[None]:
        if job.state is not JobState.FAILED:
            yield f"job {job.id} was replaced, and is {job.state.value}"


def _judge_budget(plan: SweepPlan, sweep: Sweep, trials: Sequence[Trial], jobs: Sequence[Job]) -> Iterator[str]:
    budget, valid = plan.spec.budget, [trial for trial in trials if trial.state is not TrialState.INVALID]
    if budget.trials is not None and len(valid) > budget.trials:
        yield f"{len(valid)} trials have started, with a budget of {budget.trials}"
    if sweep.reason is not None and sweep.reason["code"] == "budget_trials" and len(valid) != budget.trials:
        yield f"the sweep says that its budget of trials is used up, after {len(valid)} trials"
    trained = sum(job.epochs_done for job in jobs if job.trial_number is not None)
    if budget.epochs is not None and trained > budget.epochs:
        yield f"{trained} epochs were trained, with a budget of {budget.epochs}"


def _judge_proposals(plan: SweepPlan, trials: Sequence[Trial]) -> Iterator[str]:
    """Compute proposals again from what the search had seen."""
    proposed = [trial for trial in trials if not trial.is_from_client]
    for trial in proposed[:: max(1, len(proposed) // _MAX_PROPOSALS)]:
        seen = [_recall_trial(other, trial.proposed_after) for other in trials[: trial.number]]
        if propose_parameters(plan.spec, plan.space, trial.number, seen) != trial.parameters:
            yield f"trial {trial.number} has other parameters than the search proposes after the same reports"


def _recall_trial(trial: Trial, report_count: int) -> SeenTrial:
    """Return a trial as it was when the sweep had so many reports."""
    reports = [report for report in trial.reports if report["number"] < report_count]
    if trial.state is TrialState.INVALID:
        return SeenTrial(trial.number, trial.parameters, "invalid")
    if not reports:
        return SeenTrial(trial.number, trial.parameters)
    is_last = len(reports) == len(trial.reports) and trial.state is not TrialState.HALTED
    outcome = "halted" if not is_last else "diverged" if trial.state is TrialState.DIVERGED else "complete"
    return SeenTrial(trial.number, trial.parameters, outcome, reports[-1]["value"], reports[-1]["epoch"])
