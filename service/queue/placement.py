"""Choose the queue in which a job waits, and the backend that trains it.

The devices `cpu` and `gpu` of a spec name their queues. `auto` means the GPU queue while a live worker serves it, else
the CPU queue. The choice is made when the job is submitted. It is made again if the job still waits
and no worker serves its queue any more: then it moves to the other queue, or to the CPU queue if no worker serves
either. Its backend stays.
"""

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from models import Backend, Job, JobState
from service.db.installation_settings import get_default_backend
from service.queue import worker_registry
from service.queue.wake_ups import QueueName
from stackyard.spec import BackendChoice, BackendSetting, JobSpec
from stackyard.spec import choose_backend as choose_by_spec


def choose_queue(session: Session, device: str) -> str:
    """Return the queue for a job that begins to wait now, by the device that its spec asks for."""
    if device == "auto":
        return (
            QueueName.GPU if QueueName.GPU in worker_registry.count_slots_by_queue(session) else QueueName.CPU
        ).value
    return QueueName(device).value


def choose_backend(session: Session, spec: JobSpec, queue: str) -> BackendChoice:
    """Return the backend for a new job that waits in a queue, and why."""
    device = "gpu" if queue == QueueName.GPU else "cpu"
    return choose_by_spec(spec, device, get_default_backend(session))


def choose_idle_backend(queue: str, default: BackendSetting) -> Backend:
    """Return the backend of a process that serves a queue in which no job waits: that of most networks.

    Args:
        queue: the queue.
        default: the setting `default_backend`.

    """
    if default != "auto":
        return Backend(default)
    return Backend.TENSORFLOW if queue == QueueName.GPU else Backend.JAX


def move_stranded_jobs(session: Session) -> int:
    """Move waiting jobs with the device `auto` out of a queue that no worker serves.

    Returns:
        The number of jobs that were moved.

    """
    slots = worker_registry.count_slots_by_queue(session)
    if QueueName.GPU not in slots:
        return _move_auto_jobs(session, QueueName.GPU, QueueName.CPU)
    if QueueName.CPU not in slots:
        return _move_auto_jobs(session, QueueName.CPU, QueueName.GPU)
    return 0


def _move_auto_jobs(session: Session, origin: QueueName, target: QueueName) -> int:
    """Move jobs in one statement, so that each job is either moved or claimed.

    A job whose row a claim has locked is skipped: the claim decides.
    """
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
