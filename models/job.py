"""A job: what was asked, where it stands, and who may work on it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, Enum, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class JobState(StrEnum):
    """Where a job stands. `service.jobs.lifecycle` holds the table of legal transitions."""

    QUEUED = "queued"
    """Accepted, and waiting for a worker to claim it."""
    RUNNING = "running"
    """A worker holds a lease on its current attempt."""
    PAUSED = "paused"
    """Somebody put it aside; it goes on from its checkpoint when it is resumed."""
    SUCCEEDED = "succeeded"
    """Trained to the end; its model is published."""
    DIVERGED = "diverged"
    """Its loss stopped being finite; the history up to there is kept."""
    FAILED = "failed"
    """It could not be trained, and `reason` says why."""
    CANCELLED = "cancelled"
    """Somebody asked for it to stop before its end."""


TERMINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.DIVERGED, JobState.FAILED, JobState.CANCELLED})
"""States that a job never leaves."""


def _values(states: type[JobState]) -> list[str]:
    """What the column holds: SQLAlchemy would store the members' names."""
    return [state.value for state in states]


class Job(Base):
    """The row is the truth about a job; the broker's messages only say that there may be work."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_queue_priority_id", "state", "queue", "priority", "id"),
        Index("ix_jobs_state_lease_until", "state", "lease_until"),
        Index("ix_jobs_architecture_state_id", "architecture", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(index=True)
    spec: Mapped[dict[str, Any]]
    """The whole `stackyard.spec.JobSpec`, defaults and seed filled in, as JSON."""
    warnings: Mapped[list[dict[str, Any]]]
    """What is legal in the spec and probably wrong: each a `stackyard.spec.Advice`, as JSON."""
    state: Mapped[JobState] = mapped_column(
        Enum(
            JobState,
            native_enum=False,
            length=16,
            create_constraint=True,
            name="state",
            values_callable=_values,
        ),
    )
    reason: Mapped[dict[str, Any] | None]
    """Why it is in this state, where that needs saying: `code` and `message`."""

    dataset_id: Mapped[UUID | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"), index=True)
    dataset_name: Mapped[str] = mapped_column(index=True)
    dataset_version: Mapped[int]

    device: Mapped[str]
    """What its spec asks for: `auto`, `cpu` or `gpu`."""
    queue: Mapped[str]
    """Where it waits, or waited; `service.queue.placement` moves a job that asks for `auto` while it waits."""
    priority: Mapped[int]
    attempt: Mapped[int]
    """How often it was claimed; the number fences every write of a worker."""
    lost_attempts: Mapped[int]
    """How many attempts ended without a word from their worker: it, its machine or its network was lost."""
    crashes: Mapped[int] = mapped_column(default=0)
    """How many attempts took their process down, seen by the worker whose child that was."""
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    """The most bytes of resident memory that the current or last attempt's process was seen with."""
    spent_s: Mapped[float] = mapped_column(Double, default=0.0)
    """Seconds for which earlier attempts ran whose work is kept: they count toward `run.time_limit_s`."""
    worker: Mapped[str | None]
    """Who holds, or last held, the lease: host and process."""
    worker_id: Mapped[UUID | None]
    """The `models.Worker` whose child that is; no foreign key, for the row goes when the worker ends."""
    ran_on: Mapped[dict[str, Any] | None]
    """What the current or last attempt computes on: a `service.jobs.execution_environment.RanOn`, as JSON."""
    lease_until: Mapped[datetime | None]
    cancel_requested: Mapped[bool]
    pause_requested: Mapped[bool] = mapped_column(default=False)

    epochs: Mapped[int]
    epochs_done: Mapped[int]
    metric_names: Mapped[list[str]]
    """What the numbers in the job's `epochs` rows are, in their order."""
    evaluation: Mapped[dict[str, Any] | None]
    """What `worker.attempt.evaluation` found, as JSON."""

    architecture: Mapped[str | None]
    """Jobs that have this in common take about as long a step: `service.jobs.estimates` says how it is made."""
    task: Mapped[dict[str, Any] | None]
    """The `stackyard.spec.Task` of the check at submit, as JSON; this and the next two are NULL in rows of releases
    that did not store them."""
    step_flops: Mapped[int | None] = mapped_column(BigInteger)
    """Floating-point operations of a training step, as the check at submit estimates them."""
    memory_estimate: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes that the training needs without its rows, as the check at submit estimates them."""
    retry_of: Mapped[UUID | None]
    """The job that this one repeats; no foreign key, for either may be deleted."""

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
