"""Sweeps: searches over specs, whose members are trials."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.team.project import DEFAULT_PROJECT_ID
from models.types import build_enum


class SweepState(StrEnum):
    """State of a sweep."""

    RUNNING = "running"
    """It starts trials, or waits for those that it has started."""
    PAUSED = "paused"
    """It starts no trials, and its jobs are paused, until a client resumes it."""
    SUCCEEDED = "succeeded"
    """It has ended: its space or its budget is used up, its stop condition is met, or a client finished it."""
    CANCELLED = "cancelled"
    """A client cancelled it."""
    FAILED = "failed"
    """It ended without an answer; `reason` has the cause."""


SWEEP_END_STATES = frozenset({SweepState.SUCCEEDED, SweepState.CANCELLED, SweepState.FAILED})
"""States that a sweep never leaves."""


class Sweep(Base):
    """The authoritative record of a sweep. Only transactions that hold the lock of this row change its trials."""

    __tablename__ = "sweeps"
    __table_args__ = (
        # Each filter of a list has an index that ends with the id.
        Index("ix_sweeps_state_id", "state", "id"),
        Index("ix_sweeps_name_id", "name", "id"),
        Index("ix_sweeps_project_id_id", "project_id", "id"),
        Index("ix_sweeps_owner_id_id", "owner_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(default=DEFAULT_PROJECT_ID)
    """The project that the sweep and its jobs belong to; not a foreign key, as in `models.Job`."""
    owner_id: Mapped[UUID | None]
    """The user who submitted the sweep, to whom its jobs count; None on a server without users."""
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]
    """The complete `stackyard.sweep.SweepSpec` as JSON."""
    spec_version: Mapped[int]
    """Number of changes of `spec`. It keeps processes that have parsed an earlier version from using that one."""
    datasets: Mapped[dict[str, Any]]
    """The id of the dataset behind each reference in specs, so that all trials use the same version of it."""
    state: Mapped[SweepState] = mapped_column(build_enum(SweepState, "state"))
    reason: Mapped[dict[str, Any] | None]
    """`code` and `message` that explain the state, if it needs an explanation."""
    ending: Mapped[dict[str, Any] | None]
    """The `service.sweeps.endings.Ending` as JSON once the sweep is to end; it ends when none of its jobs can run."""

    priority: Mapped[int]
    method: Mapped[str]
    trial_count: Mapped[int]
    """Number of trials so far, in any state. The next trial has this number."""
    report_count: Mapped[int]
    """Number of reports of trials so far: values at rungs, and ends in any state."""
    no_better_count: Mapped[int]
    """Number of trials in a row that were no better than the best one before them."""
    has_more_work: Mapped[bool]
    """Whether the last transaction left work for the next one, without waiting for a job."""
    rerun_trials: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Numbers of the best trials, whose repeats on fresh seeds decide; None before they are chosen."""
    best_trial: Mapped[int | None]
    """The number of the best complete trial so far."""
    best_value: Mapped[float | None] = mapped_column(Double)

    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    """The `service.team.session_scope.scope_key` of the key that the client sent."""
    body_sha256: Mapped[str | None]

    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    """When the sweep or one of its trials changed last."""
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
