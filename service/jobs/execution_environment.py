"""What an attempt computes on, and how a claim chooses it by the numbers on the job's row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import Job, JobState


@dataclass(frozen=True)
class RanOn:
    """With the spec and the dataset, all that an attempt's numbers depend on.

    `device` is `cpu` or the card's name. `threads` are TensorFlow's intra-op ones: with more than one, a long sum may
    have other last bits. `precision` is Keras's dtype policy, or `tf32` where it is float32 and the card rounds the
    factors of products to TensorFloat-32. `versions` are those of python, stackyard, keras and tensorflow.
    """

    device: str
    threads: int
    precision: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class ExecutionOptions:
    """What a worker's child can run an attempt on.

    Args:
        shared: with the child's share of the cores.
        alone: for a large job while its worker has nothing else to do; it is `shared` where there are no more threads.
        large_step_flops: floating-point operations of a step, from which on a job is large.

    """

    shared: RanOn
    alone: RanOn
    large_step_flops: int


def choose_ran_on(
    session: Session,
    job: Job,
    options: ExecutionOptions,
    *,
    worker_id: UUID | None,
    previous: Mapping[str, Any] | None,
) -> RanOn:
    """Choose what a job that is being claimed computes on, by the numbers on its row alone.

    An attempt that goes on from a checkpoint keeps its number of threads, if this child can have it: so its bits are
    those of one run. A job of an earlier release, whose row has no numbers, is not large.

    Args:
        session: in the claim's transaction.
        job: as it waits.
        options: of the child that claims it.
        worker_id: the `models.Worker` whose child that is.
        previous: the `RanOn`, as JSON, of the attempt whose checkpoint the job has, None without a checkpoint.

    """
    shared, alone = options.shared, options.alone
    if previous is not None:
        return alone if previous.get("threads") == alone.threads else shared
    is_large = job.step_flops is not None and job.step_flops >= options.large_step_flops
    return alone if is_large and alone.threads > shared.threads and is_alone(session, job, worker_id) else shared


def is_alone(session: Session, job: Job, worker_id: UUID | None) -> bool:
    """Whether nothing else is to be done by a worker than this job."""
    others = (Job.state == JobState.QUEUED) & (Job.queue == job.queue)
    if worker_id is not None:
        others = or_(others, (Job.state == JobState.RUNNING) & (Job.worker_id == worker_id))
    return session.scalar(select(Job.id).where(Job.id != job.id, others).limit(1)) is None
