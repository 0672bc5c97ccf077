"""The state of the installation in a few numbers. Each query reads an index, or a table with few rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models import Job, JobState, Sweep, SweepState, Worker
from service.db.database import DatabaseClock, get_current_time
from service.jobs import queries
from service.jobs.queries import JobFilter
from service.jobs.queue_order.fair_order import FairOrder, load_fair_order
from service.jobs.wait_reasons import WaitCode
from service.queue import worker_registry
from service.queue.wake_ups import QueueName
from service.queue.worker_registry import WorkerState

QUEUE_CODES = (
    WaitCode.NO_WORKER,
    WaitCode.STARTING,
    WaitCode.NEXT,
    WaitCode.BEHIND,
    WaitCode.SHARE,
    WaitCode.LIMIT,
)
"""The reasons for which jobs wait in a queue."""

_WORKER_STATE = case(
    (Worker.alive_until <= DatabaseClock(), WorkerState.LOST.value),
    (Worker.draining | Worker.drain_requested, WorkerState.DRAINING.value),
    else_=WorkerState.SERVING.value,
)


@dataclass(frozen=True)
class QueueSnapshot:
    """A queue: its waiting jobs by reason, its running jobs, its slots, and the wait of its oldest job in seconds.

    A slot is a child of a worker that takes jobs.
    """

    waiting: Mapping[WaitCode, int]
    running: int
    slots: int
    oldest_wait_s: float


@dataclass(frozen=True)
class Snapshot:
    """Counts of jobs, sweeps and workers; every state and queue has a count."""

    jobs: Mapping[JobState, int]
    sweeps: Mapping[SweepState, int]
    workers: Mapping[tuple[QueueName, WorkerState], int]
    queues: Mapping[QueueName, QueueSnapshot]


def load_snapshot(session: Session) -> Snapshot:
    """Return the state of the installation now."""
    return Snapshot(
        jobs=queries.count_jobs_by_state(session, JobFilter()),
        sweeps=_count_sweeps(session),
        workers=_count_workers(session),
        queues=_load_queues(session),
    )


def split_by_wait_code(order: FairOrder, *, slots: int, running: int) -> dict[WaitCode, int]:
    """Return how many of a queue's waiting jobs have each reason that `service.jobs.wait_reasons` gives."""
    waiting = order.count_jobs_by_owner()
    counts: dict[WaitCode, int] = dict.fromkeys(QUEUE_CODES, 0)
    if not slots:
        return {**counts, WaitCode.NO_WORKER: sum(waiting.values())}
    users = order.list_users()
    counts[WaitCode.LIMIT] = sum(waiting.pop(user.owner_id) for user in users if user.is_limited)
    counts[WaitCode.STARTING] = min(sum(waiting.values()), max(0, slots - running))
    counts[WaitCode.NEXT] = int(any(waiting.values()) and not counts[WaitCode.STARTING])
    first = Counter(order.list_owners(counts[WaitCode.STARTING] + counts[WaitCode.NEXT]))
    first_user = users[0].owner_id if users else None
    for owner_id, jobs in waiting.items():
        code = WaitCode.BEHIND if owner_id in {None, first_user} else WaitCode.SHARE
        counts[code] += jobs - first[owner_id]
    return counts


def _count_sweeps(session: Session) -> dict[SweepState, int]:
    query = select(Sweep.state, func.count().label("number")).group_by(Sweep.state)
    counts = {row.state: int(row.number) for row in session.execute(query)}
    return {state: counts.get(state, 0) for state in SweepState}


def _count_workers(session: Session) -> dict[tuple[QueueName, WorkerState], int]:
    state = _WORKER_STATE.label("state")
    query = select(Worker.queue, state, func.count().label("number")).group_by(Worker.queue, state)
    counts = {(row.queue, row.state): int(row.number) for row in session.execute(query)}
    return {(queue, state): counts.get((queue, state), 0) for queue in QueueName for state in WorkerState}


def _load_queues(session: Session) -> dict[QueueName, QueueSnapshot]:
    current_time = get_current_time(session)
    waiting, running = (queries.count_jobs_by_queue(session, state) for state in (JobState.QUEUED, JobState.RUNNING))
    slots = worker_registry.count_slots_by_queue(session)
    return {
        queue: QueueSnapshot(
            waiting=split_by_wait_code(
                load_fair_order(session, queue), slots=slots.get(queue, 0), running=running.get(queue, 0)
            ),
            running=running.get(queue, 0),
            slots=slots.get(queue, 0),
            oldest_wait_s=_compute_oldest_wait(session, queue, current_time) if waiting.get(queue) else 0.0,
        )
        for queue in QueueName
    }


def _compute_oldest_wait(session: Session, queue: QueueName, current_time: datetime) -> float:
    query = select(Job.created_at).where(Job.state == JobState.QUEUED, Job.queue == queue.value).order_by(Job.id)
    created_at = session.scalar(query.limit(1))
    return 0.0 if created_at is None else max(0.0, (current_time - created_at).total_seconds())
