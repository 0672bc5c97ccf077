"""The execution environment of an attempt, and how a claim chooses it from the numbers on the job's row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import Job, JobState


@dataclass(frozen=True)
class ExecutionEnvironment:
    """Everything except the spec and the dataset that the numbers of an attempt depend on.

    Args:
        device: `cpu`, or the name of the GPU.
        threads: with which the backend computes. With more than one, the last bits of a long sum may differ.
        precision: Keras's dtype policy, or `tf32` if it is float32 and the GPU rounds the factors of products to
            TensorFloat-32.
        versions: the versions of python, stackyard, keras and the backend.
        backend: of Keras. Rows of earlier releases do not have it: they ran on TensorFlow.

    """

    device: str
    threads: int
    precision: str
    versions: Mapping[str, str]
    backend: str = "tensorflow"


@dataclass(frozen=True)
class ExecutionOptions:
    """The execution environments that a worker's child offers.

    Args:
        shared: with the child's share of the cores.
        alone: for a large job while its worker has no other work; equals `shared` if it has no more threads.
        large_step_flops: a job is large from this number of floating-point operations per step.

    """

    shared: ExecutionEnvironment
    alone: ExecutionEnvironment
    large_step_flops: int


def choose_execution_environment(
    session: Session,
    job: Job,
    options: ExecutionOptions,
    *,
    worker_id: UUID | None,
    previous: Mapping[str, Any] | None,
) -> ExecutionEnvironment:
    """Choose the execution environment of a job that is being claimed, from the numbers on its row alone.

    An attempt that continues from a checkpoint keeps its number of threads if this child offers it, so that its bits
    are those of one uninterrupted run. A job of an earlier release, whose row has no numbers, is not large.

    Args:
        session: in the claim's transaction.
        job: the waiting job.
        options: of the child that claims it.
        worker_id: the `models.Worker` whose child that is.
        previous: the `ExecutionEnvironment`, as JSON, of the attempt that wrote the checkpoint; None without one.

    """
    shared, alone = options.shared, options.alone
    if previous is not None:
        return alone if previous.get("threads") == alone.threads else shared
    is_large = job.step_flops is not None and job.step_flops >= options.large_step_flops
    can_gain = is_large and alone.threads > shared.threads
    return alone if can_gain and not _has_other_work(session, job, worker_id) else shared


def _has_other_work(session: Session, job: Job, worker_id: UUID | None) -> bool:
    """Return whether another job waits in the queue or runs on the worker."""
    others = (Job.state == JobState.QUEUED) & (Job.queue == job.queue)
    if worker_id is not None:
        others = or_(others, (Job.state == JobState.RUNNING) & (Job.worker_id == worker_id))
    return session.scalar(select(Job.id).where(Job.id != job.id, others).limit(1)) is not None
