"""What an attempt computes on, and what that is chosen by when a job is claimed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import Dataset, Job, JobState
from stackyard.spec import JobSpec


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
class Opening:
    """A job that is being claimed.

    `alone` tells that its worker runs no other job, and that no other waits in its queue. `before` is the `RanOn`, as
    JSON, of the attempt that it goes on from, None where it begins at the beginning.
    """

    spec: JobSpec
    dataset: Dataset
    alone: bool
    before: Mapping[str, Any] | None


def is_alone(session: Session, job: Job, worker_id: UUID | None) -> bool:
    """Whether nothing else is to be done by a worker than this job."""
    others = (Job.state == JobState.QUEUED) & (Job.queue == job.queue)
    if worker_id is not None:
        others = or_(others, (Job.state == JobState.RUNNING) & (Job.worker_id == worker_id))
    return session.scalar(select(Job.id).where(Job.id != job.id, others).limit(1)) is None
