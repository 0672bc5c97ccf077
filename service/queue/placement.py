"""Which queue a job waits in.

A spec's `cpu` and `gpu` name their queues. `auto` is the GPUs' queue while a live worker serves it, else the CPUs'.
That is decided when the job is submitted, and once more while it waits if nobody is left who serves its queue: then it
moves to the other one, or to the CPUs' if nobody serves either.
"""

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from models import Job, JobState
from service.queue import worker_registry
from service.queue.wake_ups import QueueName


def queue_for(session: Session, device: str) -> str:
    """The queue of a job that begins to wait now, by what its spec asks for."""
    if device == "auto":
        return (QueueName.GPU if QueueName.GPU in worker_registry.places(session) else QueueName.CPU).value
    return QueueName(device).value


def move_stranded(session: Session) -> int:
    """Move the waiting jobs that ask for `auto` out of a queue that nobody serves.

    Returns:
        How many were moved.

    """
    served = worker_registry.places(session)
    if QueueName.GPU not in served:
        return _move(session, QueueName.GPU, QueueName.CPU)
    if QueueName.CPU not in served:
        return _move(session, QueueName.CPU, QueueName.GPU)
    return 0


def _move(session: Session, origin: QueueName, target: QueueName) -> int:
    """One statement, so that a job is either moved or claimed; of one that a claim has locked, the claim decides."""
    stranded = (
        select(Job.id)
        .where(Job.state == JobState.QUEUED, Job.queue == origin.value, Job.device == "auto")
        .with_for_update(skip_locked=True)
    )
    result = session.execute(
        update(Job).where(Job.id.in_(stranded)).values(queue=target.value),
        execution_options={"synchronize_session": False},
    )
    return result.rowcount if isinstance(result, CursorResult) else 0
