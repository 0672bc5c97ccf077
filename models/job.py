"""Jobs: their spec, their state, and the worker that holds their lease."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.team.project import DEFAULT_PROJECT_ID
from models.types import build_enum


class JobState(StrEnum):
    """State of a job. `service.jobs.lifecycle` has the table of legal transitions."""

    QUEUED = "queued"
    """Accepted; waits for a worker to claim it."""
    RUNNING = "running"
    """A worker holds a lease on its current attempt."""
    PAUSED = "paused"
    """Paused by a client, or at its `until_epoch`; it continues from its checkpoint when it is resumed."""
    SUCCEEDED = "succeeded"
    """The training is complete; the model is published."""
    DIVERGED = "diverged"
    """The loss became non-finite; the history up to that epoch is kept."""
    FAILED = "failed"
    """The training failed; `reason` has the cause."""
    CANCELLED = "cancelled"
    """Cancelled by a client before its end."""


class Backend(StrEnum):
    """A backend of Keras. A process has only one, which Keras chooses when it is imported."""

    JAX = "jax"
    TENSORFLOW = "tensorflow"


TERMINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.DIVERGED, JobState.FAILED, JobState.CANCELLED})
"""States that a job never leaves."""


class Job(Base):
    """The authoritative record of a job. Messages of the broker only announce that there may be work."""

    __tablename__ = "jobs"
    __table_args__ = (
        # Lists of jobs are ordered by id. Each filter of a list has an index that ends with the id, so that a page is
        # read without sorting, whatever the number of jobs.
        Index("ix_jobs_state_id", "state", "id"),
        Index("ix_jobs_name_id", "name", "id"),
        Index("ix_jobs_dataset_name_id", "dataset_name", "id"),
        # Each order of a list has an index, too. That of the ends has the starts, so that durations are read from it.
        Index("ix_jobs_started_at_id", "started_at", "id"),
        Index("ix_jobs_finished_at_id_started_at", "finished_at", "id", "started_at"),
        Index("ix_jobs_priority_id", "priority", "id"),
        Index("ix_jobs_architecture_state_id", "architecture", "state", "id"),
        Index("ix_jobs_sweep_id_state_id", "sweep_id", "state", "id"),
        Index("ix_jobs_project_id_id", "project_id", "id"),
        Index("ix_jobs_owner_id_state_id", "owner_id", "state", "id"),
        Index("ix_jobs_sweep_id_trial_number_repeat", "sweep_id", "trial_number", "repeat", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(default=DEFAULT_PROJECT_ID)
    """The project that the job belongs to; not a foreign key, because a project with jobs is never deleted."""
    owner_id: Mapped[UUID | None]
    """The user who submitted the job; None on a server without users. Not a foreign key: a user may be deleted."""
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]
    """The complete `stackyard.spec.JobSpec` as JSON, with defaults and seed filled in."""
    spec_as_sent: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    """The JSON document that the client sent, if it differs from `spec`.

    It is None in rows of releases that did not keep it. It is loaded only when it is read, because only people look at
    it.
    """
    warnings: Mapped[list[dict[str, Any]]]
    """Likely mistakes in the valid spec, each a `stackyard.spec.Advice` as JSON."""
    state: Mapped[JobState] = mapped_column(build_enum(JobState, "state"))
    reason: Mapped[dict[str, Any] | None]
    """`code` and `message` that explain the state, if it needs an explanation."""

    dataset_id: Mapped[UUID | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"), index=True)
    dataset_name: Mapped[str]
    dataset_version: Mapped[int]
    test_dataset_id: Mapped[UUID | None]
    """The `test_dataset` of the spec, or NULL; not a foreign key: `service.datasets.catalog` sets it to NULL."""
    test_dataset_name: Mapped[str | None]
    test_dataset_version: Mapped[int | None]

    device: Mapped[str]
    """The device that the spec requests: `auto`, `cpu` or `gpu`."""
    queue: Mapped[str]
    """The queue of the job. `service.queue.placement` may move a queued job whose device is `auto`."""
    backend: Mapped[Backend] = mapped_column(build_enum(Backend, "backend"))
    """The backend that trains the job, chosen when it was submitted; a checkpoint belongs to one backend."""
    priority: Mapped[int]
    attempt: Mapped[int]
    """Number of claims so far. Every write of a worker is fenced by this number."""
    lost_attempts: Mapped[int]
    """Number of attempts whose worker, machine or network was lost."""
    crashes: Mapped[int] = mapped_column(default=0)
    """Number of attempts whose process crashed, as reported by the parent of that process."""
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    """Peak resident memory in bytes of the process of the current or last attempt."""
    spent_s: Mapped[float] = mapped_column(Double, default=0.0)
    """Run time in seconds of earlier attempts whose work is kept. It counts toward `run.time_limit_s`."""
    charged_s: Mapped[float] = mapped_column(Double, default=0.0)
    """Weighed device-seconds that the owner was charged for the current attempt; its end corrects them."""
    worker: Mapped[str | None]
    """Host and process id of the current or last holder of the lease."""
    worker_id: Mapped[UUID | None]
    """The `models.Worker` of that process. Not a foreign key, because the row is deleted when the worker ends."""
    ran_on: Mapped[dict[str, Any] | None]
    """The `service.jobs.execution_environment.ExecutionEnvironment` of the current or last attempt, as JSON."""
    lease_until: Mapped[datetime | None] = mapped_column(index=True)
    """When the lease of the running attempt expires; None in every other state."""
    cancel_requested: Mapped[bool]
    pause_requested: Mapped[bool] = mapped_column(default=False)
    finish_after_epochs: Mapped[int | None]
    """The number of epochs that were done when a client asked to finish the job; None without such a request.

    An attempt that begins with fewer epochs first trains this many again. The value stays after the job has ended.
    """

    until_epoch: Mapped[int | None]
    """The number of epochs after which the worker pauses the job by itself; None to train to the end."""

    epochs: Mapped[int]
    epochs_done: Mapped[int]
    first_epoch: Mapped[int] = mapped_column(default=0)
    """The epoch with which the current or last attempt began: it has trained those from there to `epochs_done`."""
    metric_names: Mapped[list[str]]
    """Names of the values in the job's `epochs` rows, in order."""
    evaluation: Mapped[dict[str, Any] | None]
    """The result of `worker.attempt.evaluation` as JSON."""

    architecture: Mapped[str | None]
    """Key of the architecture. Steps of jobs with equal keys take similar times (see `service.jobs.estimates`)."""
    task: Mapped[dict[str, Any] | None]
    """The `stackyard.spec.Task` of the check at submit, as JSON; this and the next two are NULL in rows of releases
    that did not store them."""
    step_flops: Mapped[int | None] = mapped_column(BigInteger)
    """Floating-point operations of a training step, as the check at submit estimates them."""
    memory_estimate: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes that the training needs without its rows, as the check at submit estimates them."""
    retry_of: Mapped[UUID | None]
    """The job that this one retries. Not a foreign key, because either may be deleted."""
    sweep_id: Mapped[UUID | None]
    """The sweep that the job belongs to, or None. Not a foreign key: `service.sweeps` sets it to NULL."""
    trial_number: Mapped[int | None]
    """The trial of that sweep; None for a job that was replaced after a failure of the installation."""
    repeat: Mapped[int | None]
    """The repeat of that trial, from 0."""
    continued_from: Mapped[UUID | None]
    """The job whose training this one continues with more epochs; not a foreign key, like `retry_of`."""

    trace_context: Mapped[str | None]
    """The W3C trace context of the request that created the job; None without traces."""

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


# For claims and positions: the jobs of an owner in a queue, in the order in which they start.
Index(
    "ix_jobs_state_queue_owner_id_priority_id",
    Job.state,
    Job.queue,
    Job.owner_id,
    Job.priority.desc(),
    Job.id,
)
# For claims of a process, which takes jobs of its own backend.
Index(
    "ix_jobs_state_queue_backend_owner_id_priority_id",
    Job.state,
    Job.queue,
    Job.backend,
    Job.owner_id,
    Job.priority.desc(),
    Job.id,
)
