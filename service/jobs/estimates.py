"""How long jobs take, from past runs of the same architecture, and so when one that waits will start."""

import heapq
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from service.db.database import now

_PAST_RUNS = 20
"""As many of an architecture are looked at, the newest; of them `_NEAREST` in the number of epochs count."""
_NEAREST = 5
_ARCHITECTURES = 20
"""As many, the first in the queue, are looked up; jobs of others are taken for as long as the mean of those."""
_LOOKED_AT = 100
"""As many jobs of a queue, its first, are gone through one by one; further ones go on as those did."""

_OF_A_JOB = (
    Job.id,
    Job.name,
    Job.state,
    Job.priority,
    Job.architecture,
    Job.epochs,
    Job.epochs_done,
    Job.spent_s,
    Job.started_at,
)
# Made once, because every look at a waiting job asks them, and to make them takes longer than to answer them.
_RUNNING = (
    select(*_OF_A_JOB)
    .where(Job.state == JobState.RUNNING, Job.queue == bindparam("queue"))
    .order_by(Job.started_at)
    .limit(_LOOKED_AT)
)
_WAITING = (
    select(*_OF_A_JOB)
    .where(Job.state == JobState.QUEUED, Job.queue == bindparam("queue"))
    .order_by(Job.priority.desc(), Job.id)
    .limit(bindparam("most", type_=Integer))
)
_NO_COST = frozenset({"name", "seed"})
"""Arguments on which the time of an epoch does not depend."""


@dataclass(frozen=True)
class PastRun:
    """How long a training of so many epochs took that went to its end, by itself or stopped early, in seconds."""

    epochs: int
    seconds: float


@dataclass(frozen=True)
class Ahead:
    """A job that runs before another one, or runs already."""

    id: UUID
    name: str | None
    state: JobState
    priority: int


@dataclass(frozen=True)
class Forecast:
    """What a queue will do, as far as past runs tell.

    Args:
        running: the jobs of the queue that run, the longest running first.
        head: the first jobs that wait, in their order.
        starts: in how many seconds each of the head starts; empty where nothing is known.
        pace: by how many seconds later each one behind the head starts.
        moment: from which these are counted.

    """

    running: Sequence[Ahead]
    head: Sequence[Ahead]
    starts: Sequence[float]
    pace: float
    moment: datetime

    def start(self, position: int) -> float | None:
        """In how many seconds the job at a position of the queue starts, None where nothing is known."""
        if not self.starts:
            return None
        behind = max(0, position - len(self.starts) + 1)
        return self.starts[position - behind] + behind * self.pace

    def before(self, position: int) -> Sequence[Ahead]:
        """What runs before the job at a position: the running jobs, then the queue's first."""
        return [*self.running, *self.head[:position]]


def architecture(spec: Mapping[str, Any], dataset: str) -> str:
    """Tell what jobs have in common that take about as long an epoch.

    Their datasets (whichever version) and what is made of them, networks, optimizers, losses, metrics and batch sizes
    are the same, but for seeds, initial weights, and rates and other numbers that are not whole.

    Args:
        spec: a whole `stackyard.spec.JobSpec`, as JSON.
        dataset: the name of its dataset.

    """
    training = spec["training"]
    parts = [_structure(training[name]) for name in ("optimizer", "loss", "metrics", "batch_size")]
    data = {name: value for name, value in spec["data"].items() if name != "dataset"}
    # Of the data all numbers count but seeds: how many rows there are depends on them.
    whole = [dataset, _structure(data, numbers=True), _structure(spec["network"]), parts]
    return blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=16).hexdigest()


def forecast(session: Session, queue: str, places: int, last: int) -> Forecast:
    """What the queue will do until it comes to the job at the position `last`.

    Args:
        session: to read in.
        queue: whose jobs.
        places: how many run at once; 0 where nobody serves it, and then nothing is known.
        last: how far to look, counted from 0.

    """
    moment = now(session)
    running = session.execute(_RUNNING, {"queue": queue}).all()
    head = session.execute(_WAITING, {"queue": queue, "most": min(last + 1, _LOOKED_AT)}).all()
    told = Forecast(_ahead(running), _ahead(head), (), 0.0, moment)
    if not places:
        return told
    runs = past_runs(session, queue, dict.fromkeys(job.architecture for job in (*running, *head)))
    left = _filled([_seconds_left(job, runs, moment) for job in (*running, *head)])
    busy, durations = left[: len(running)], left[len(running) :]
    return replace(told, starts=_starts(busy, durations, places), pace=fmean(durations or [0.0]) / places)


def past_runs(session: Session, queue: str, architectures: Collection[str | None]) -> dict[str, list[PastRun]]:
    """The newest trainings on a queue that went to their end, of each of the first few architectures."""
    wanted = [key for key in architectures if key is not None][:_ARCHITECTURES]
    if not wanted:
        return {}
    found: dict[str, list[PastRun]] = {key: [] for key in wanted}
    keys = {f"key_{place}": key for place, key in enumerate(wanted)}
    for row in session.execute(_newest_runs(len(wanted)), {"queue": queue, **keys}):
        seconds = row.spent_s + (row.finished_at - row.started_at).total_seconds()
        found[row.architecture].append(PastRun(row.epochs, seconds))
    return found


def duration(runs: Sequence[PastRun], epochs: int) -> float | None:
    """How many seconds a training of so many epochs takes; None where there is no past run to tell."""
    nearest = sorted(runs, key=lambda run: max(run.epochs, epochs) / max(1, min(run.epochs, epochs)))[:_NEAREST]
    return median(run.seconds / run.epochs for run in nearest) * epochs if nearest else None


def seconds_left(job: Any, moment: datetime) -> float | None:
    """How long a running job still needs, if its epochs go on as they went; None before the first is done.

    Args:
        job: a `models.Job`, or a row with the same columns.
        moment: what the database's clock says.

    """
    if job.state is not JobState.RUNNING or job.started_at is None or not job.epochs_done:
        return None
    elapsed = job.spent_s + (moment - job.started_at).total_seconds()
    return elapsed / job.epochs_done * (job.epochs - job.epochs_done)


@cache
def _newest_runs(architectures: int) -> Executable:
    """The query for the newest runs on a `queue`, of each of so many architectures, `key_0` and so on."""
    columns = (Job.architecture, Job.epochs, Job.spent_s, Job.started_at, Job.finished_at)
    ended = select(*columns).where(Job.state == JobState.SUCCEEDED, Job.queue == bindparam("queue"))
    newest = ended.order_by(Job.id.desc()).limit(_PAST_RUNS)
    keys = (bindparam(f"key_{place}", type_=String) for place in range(architectures))
    return union_all(*(select(newest.where(Job.architecture == key).subquery()) for key in keys))


def _structure(value: object, *, numbers: bool = False) -> object:
    """A part without what costs no time; without `numbers`, also without all that are not whole."""
    match value:
        case dict():
            members = cast("dict[str, object]", value).items()
            return {name: _structure(part, numbers=numbers) for name, part in members if _costs(name)}
        case list():
            return [_structure(part, numbers=numbers) for part in cast("list[object]", value)]
        case float() if not numbers:
            return None
        case _:
            return value


def _costs(name: str) -> bool:
    return name not in _NO_COST and not name.endswith("_initializer")


def _ahead(rows: Iterable[Any]) -> list[Ahead]:
    return [Ahead(row.id, row.name, row.state, row.priority) for row in rows]


def _seconds_left(job: Any, runs: Mapping[str, Sequence[PastRun]], moment: datetime) -> float | None:
    """Of a job that runs or waits: by its own epochs so far, else by past runs."""
    own = seconds_left(job, moment)
    whole = duration(runs.get(job.architecture, ()), job.epochs)
    if own is not None or whole is None:
        return own
    gone = (moment - job.started_at).total_seconds() if job.state is JobState.RUNNING else 0.0
    return max(0.0, whole * (1 - job.epochs_done / job.epochs) - gone)


def _filled(seconds: Sequence[float | None]) -> list[float]:
    """The mean of those that are known for those that are not; nothing where none is known."""
    known = [value for value in seconds if value is not None]
    return [fmean(known) if value is None else value for value in seconds] if known else []


def _starts(busy: Sequence[float], durations: Sequence[float], places: int) -> list[float]:
    """When each job of the queue starts, in seconds, if every place takes the next one as soon as it is free.

    Where more jobs run than there are places, as while a worker drains, those that end first give none back.
    """
    free = [0.0] * (places - len(busy)) + sorted(busy)[-places:]
    heapq.heapify(free)
    starts: list[float] = []
    for seconds in durations:
        starts.append(free[0])
        heapq.heapreplace(free, free[0] + seconds)
    return starts
