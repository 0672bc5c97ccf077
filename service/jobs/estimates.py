"""Estimate how long jobs take, from past runs of the same architecture, and so when a waiting job starts."""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import blake2b
from statistics import fmean, median
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Executable, Integer, String, bindparam, select, union_all
from sqlalchemy.orm import Session

from models import Job, JobState
from service.db.database import get_current_time
from service.team.session_scope import ACROSS_PROJECTS

_MAX_PAST_RUNS = 20
"""The number of newest runs of an architecture that are loaded; the `_NEAREST_RUNS` of them count."""
_NEAREST_RUNS = 5
"""The number of runs that an estimate uses: those whose number of epochs is the nearest."""
_MAX_ARCHITECTURES = 20
"""The number of architectures, the first in the queue, whose runs are loaded. Other jobs get the mean duration."""
_MAX_EXAMINED_JOBS = 100
"""The number of jobs at the head of a queue that are examined one by one; later ones are extrapolated."""

_COLUMNS = (
    Job.id,
    Job.project_id,
    Job.name,
    Job.state,
    Job.priority,
    Job.architecture,
    Job.epochs,
    Job.epochs_done,
    Job.until_epoch,
    Job.spent_s,
    Job.started_at,
)
# Built once: each request for a waiting job runs these statements, and building them takes longer than running them.
# A queue and its past runs are those of all projects.
_RUNNING_JOBS = (
    select(*_COLUMNS)
    .where(Job.state == JobState.RUNNING, Job.queue == bindparam("queue"))
    .order_by(Job.started_at)
    .limit(bindparam("max_jobs", type_=Integer))
    .execution_options(**ACROSS_PROJECTS)
)
_WAITING_JOBS = (
    select(*_COLUMNS)
    .where(Job.state == JobState.QUEUED, Job.queue == bindparam("queue"))
    .order_by(Job.owner_id, Job.priority.desc(), Job.id)  # the order of the index, of jobs with the same owner
    .limit(bindparam("max_jobs", type_=Integer))
    .execution_options(**ACROSS_PROJECTS)
)
_JOBS_WITHOUT_OWNER = _WAITING_JOBS.where(Job.owner_id.is_(None))
_JOBS_WITH_OWNER = _WAITING_JOBS.where(Job.owner_id == bindparam("owner"))
_DEFAULT_DURATION_S = 300.0
"""The duration of a job without past runs, where some estimate is needed."""
_FREE_ARGUMENTS = frozenset({"name", "seed"})
"""Arguments that do not change the time of an epoch."""


@dataclass(frozen=True)
class PastRun:
    """A training that succeeded, whether it ran all epochs or stopped early, and its duration in seconds."""

    epochs: int
    seconds: float


@dataclass(frozen=True)
class PrecedingJob:
    """A job that runs already, or that starts before another one."""

    id: UUID
    name: str | None
    state: JobState
    priority: int
    project_id: UUID


@dataclass(frozen=True)
class QueueForecast:
    """The order in which a queue starts its jobs, and estimates of when.

    Args:
        running: the running jobs of the queue, the longest running first.
        head: the first waiting jobs, in order.
        start_delays: for each job of the head, the seconds until it starts; empty without an estimate.
        seconds_per_job: by how many seconds later each job behind the head starts.
        timestamp: the time from which the delays count.

    """

    running: Sequence[PrecedingJob]
    head: Sequence[PrecedingJob]
    start_delays: Sequence[float]
    seconds_per_job: float
    timestamp: datetime

    def estimate_start_delay(self, position: int) -> float | None:
        """Return the seconds until the job at a position of the queue starts; None without an estimate."""
        if not self.start_delays:
            return None
        jobs_behind_head = max(0, position - len(self.start_delays) + 1)
        return self.start_delays[position - jobs_behind_head] + jobs_behind_head * self.seconds_per_job

    def list_preceding_jobs(self, position: int) -> Sequence[PrecedingJob]:
        """Return the jobs before the one at a position: the running jobs, then the first waiting ones."""
        return [*self.running, *self.head[:position]]


def compute_architecture_key(spec: Mapping[str, Any], dataset_name: str) -> str:
    """Compute a key that jobs share whose epochs take about the same time.

    Such jobs have the same dataset in any version, and the same data section, network, optimizer, loss, metrics and
    batch size. Seeds, initializers, and floating-point numbers outside the data section may differ.

    Args:
        spec: a complete `stackyard.spec.JobSpec`, as JSON.
        dataset_name: the name of its dataset.

    """
    training = spec["training"]
    training_arguments = [_reduce_to_cost(training[name]) for name in ("optimizer", "loss", "metrics", "batch_size")]
    data = {name: value for name, value in spec["data"].items() if name != "dataset"}
    # All numbers of the data section count, because the number of rows depends on them.
    content = [
        dataset_name,
        _reduce_to_cost(data, keep_floats=True),
        _reduce_to_cost(spec["network"]),
        training_arguments,
    ]
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def forecast_queue(
    session: Session,
    queue: str,
    slots: int,
    last_position: int,
    turns: Callable[[int], Sequence[UUID | None]] | None = None,
    *,
    max_examined_jobs: int = _MAX_EXAMINED_JOBS,
) -> QueueForecast:
    """Forecast the starts of a queue's jobs up to a position. The jobs are from all projects.

    Args:
        session: to read from.
        queue: the name of the queue.
        slots: how many of its jobs run at once; 0 if no worker serves the queue, and then there are no estimates.
        last_position: the last position that is needed, counted from 0.
        turns: returns the owners of the first jobs, in order; by default, all of them have no owner.
        max_examined_jobs: the number of running and of waiting jobs to examine one by one.

    """
    timestamp = get_current_time(session)
    parameters = {"queue": queue, "max_jobs": max_examined_jobs}
    running = session.execute(_RUNNING_JOBS, parameters).all()
    max_waiting_jobs = min(last_position + 1, max_examined_jobs)
    head = _load_head(session, queue, [None] * max_waiting_jobs if turns is None else turns(max_waiting_jobs))
    order = QueueForecast(_to_preceding_jobs(running), _to_preceding_jobs(head), (), 0.0, timestamp)
    if not slots:
        return order
    architectures = dict.fromkeys(job.architecture for job in (*running, *head))
    runs = load_past_runs(session, queue, architectures, in_all_projects=True)
    remaining = _fill_with_mean([_estimate_remaining(job, runs, timestamp) for job in (*running, *head)])
    running_remaining, durations = remaining[: len(running)], remaining[len(running) :]
    start_delays = _simulate_starts(running_remaining, durations, slots)
    return replace(order, start_delays=start_delays, seconds_per_job=fmean(durations or [0.0]) / slots)


def load_past_runs(
    session: Session, queue: str, architectures: Collection[str | None], *, in_all_projects: bool = False
) -> dict[str, list[PastRun]]:
    """Load the newest successful runs on a queue, for each of the first few architectures.

    A run of another project must not show in an estimate for a spec: it would reveal that the project has trained it.
    The forecast of a queue is about the jobs of all projects, and needs the runs of all.
    """
    keys = [key for key in architectures if key is not None][:_MAX_ARCHITECTURES]
    if not keys:
        return {}
    runs: dict[str, list[PastRun]] = {key: [] for key in keys}
    parameters = {f"key_{index}": key for index, key in enumerate(keys)}
    options = ACROSS_PROJECTS if in_all_projects else {}
    query = _build_past_runs_query(len(keys)).execution_options(**options)
    for row in session.execute(query, {"queue": queue, **parameters}):
        seconds = row.spent_s + (row.finished_at - row.started_at).total_seconds()
        runs[row.architecture].append(PastRun(row.epochs, seconds))
    return runs


def estimate_duration(runs: Sequence[PastRun], epochs: int) -> float | None:
    """Estimate the seconds of a training with so many epochs; None without a past run."""
    nearest = sorted(runs, key=lambda run: max(run.epochs, epochs) / max(1, min(run.epochs, epochs)))[:_NEAREST_RUNS]
    return median(run.seconds / run.epochs for run in nearest) * epochs if nearest else None


def estimate_attempt(session: Session, job: Job) -> float:
    """Estimate the seconds of an attempt that begins now. Without past runs, it is a default."""
    runs = load_past_runs(session, job.queue, [job.architecture])
    return estimate_remaining_time(job, runs)


def estimate_remaining_time(job: Any, runs: Mapping[str, Sequence[PastRun]]) -> float:
    """Estimate the seconds that a waiting job trains, from the past runs of each architecture, or else by a default.

    Args:
        job: a `models.Job`, or a row with the same columns.
        runs: the result of `load_past_runs`.

    """
    total = estimate_duration(runs.get(job.architecture, ()), job.epochs)
    return (_DEFAULT_DURATION_S if total is None else total) * _count_epochs_left(job) / max(1, job.epochs)


def estimate_seconds_left(job: Any, timestamp: datetime) -> float | None:
    """Estimate the seconds that a running job still runs from its own epochs; None before its first epoch is done.

    Args:
        job: a `models.Job`, or a row with the same columns.
        timestamp: the current time of the database.

    """
    if job.state is not JobState.RUNNING or job.started_at is None or not job.epochs_done:
        return None
    elapsed = job.spent_s + (timestamp - job.started_at).total_seconds()
    return elapsed / job.epochs_done * _count_epochs_left(job)


@cache
def _build_past_runs_query(architecture_count: int) -> Executable:
    """Build the query for the newest runs on `queue` of each of the architectures `key_0`, `key_1` and so on."""
    columns = (Job.architecture, Job.epochs, Job.spent_s, Job.started_at, Job.finished_at)
    ran_to_end = (Job.state == JobState.SUCCEEDED, Job.finish_after_epochs.is_(None))
    succeeded = select(*columns).where(*ran_to_end, Job.queue == bindparam("queue"))
    newest = succeeded.order_by(Job.id.desc()).limit(_MAX_PAST_RUNS)
    keys = (bindparam(f"key_{index}", type_=String) for index in range(architecture_count))
    return union_all(*(select(newest.where(Job.architecture == key).subquery()) for key in keys))


def _load_head(session: Session, queue: str, owners: Sequence[UUID | None]) -> list[Any]:
    """Load the first waiting jobs, given the owner of each in order."""
    jobs: dict[UUID | None, Iterator[Any]] = {}
    for owner_id, count in Counter(owners).items():
        query = _JOBS_WITHOUT_OWNER if owner_id is None else _JOBS_WITH_OWNER
        parameters = {"queue": queue, "max_jobs": count} | ({} if owner_id is None else {"owner": owner_id})
        jobs[owner_id] = iter(session.execute(query, parameters).all())
    in_order = (next(jobs[owner_id], None) for owner_id in owners)
    return [job for job in in_order if job is not None]


def _reduce_to_cost(value: object, *, keep_floats: bool = False) -> object:
    """Return a JSON value without the arguments that do not change the time of an epoch."""
    match value:
        case dict():
            members = cast("dict[str, object]", value).items()
            return {
                name: _reduce_to_cost(member, keep_floats=keep_floats)
                for name, member in members
                if _is_costly_argument(name)
            }
        case list():
            return [_reduce_to_cost(item, keep_floats=keep_floats) for item in cast("list[object]", value)]
        case float() if not keep_floats:
            return None
        case _:
            return value


def _is_costly_argument(name: str) -> bool:
    return name not in _FREE_ARGUMENTS and not name.endswith("_initializer")


def _to_preceding_jobs(rows: Iterable[Any]) -> list[PrecedingJob]:
    return [PrecedingJob(row.id, row.name, row.state, row.priority, row.project_id) for row in rows]


def _estimate_remaining(job: Any, runs: Mapping[str, Sequence[PastRun]], timestamp: datetime) -> float | None:
    """Estimate the remaining seconds of a running or waiting job: by its own epochs so far, else by past runs."""
    own_estimate = estimate_seconds_left(job, timestamp)
    total = estimate_duration(runs.get(job.architecture, ()), job.epochs)
    if own_estimate is not None or total is None:
        return own_estimate
    elapsed = (timestamp - job.started_at).total_seconds() if job.state is JobState.RUNNING else 0.0
    return max(0.0, total * _count_epochs_left(job) / job.epochs - elapsed)


def _count_epochs_left(job: Any) -> int:
    """Return how many epochs a job still trains before it pauses at its `until_epoch`, or ends."""
    return max(0, min(job.until_epoch or job.epochs, job.epochs) - job.epochs_done)


def _fill_with_mean(seconds: Sequence[float | None]) -> list[float]:
    """Replace each missing estimate by the mean of the others; return an empty list if all are missing."""
    estimates = [value for value in seconds if value is not None]
    return [fmean(estimates) if value is None else value for value in seconds] if estimates else []


def _simulate_starts(running_remaining: Sequence[float], durations: Sequence[float], slots: int) -> list[float]:
    """Return when each waiting job starts, in seconds, if every slot takes the next job as soon as it is free.

    More jobs than slots can run, for example while a worker drains. Then the jobs that end first free no slot.
    """
    free_at = [0.0] * (slots - len(running_remaining)) + sorted(running_remaining)[-slots:]
    heapq.heapify(free_at)
    starts: list[float] = []
    for seconds in durations:
        starts.append(free_at[0])
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return starts
