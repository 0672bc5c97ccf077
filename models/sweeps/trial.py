"""Trials: the members of a sweep."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import build_enum


class TrialState(StrEnum):
    """State of a trial."""

    WAITING = "waiting"
    """Its jobs wait for a worker, run, or are paused. Views say `running` once one of them has started."""
    RUNNING = "running"
    """At least one of its jobs runs. The column has `waiting` instead, because a worker starts jobs, not trials."""
    HELD = "held"
    """Its jobs are paused at a rung. They continue if the trial is promoted."""
    COMPLETE = "complete"
    """Its jobs have succeeded, and it has its final value."""
    HALTED = "halted"
    """It was not promoted, or the sweep ended first: its value is that of fewer epochs, if it has one."""
    DIVERGED = "diverged"
    """The loss of one of its jobs became non-finite. For the search it has the worst value."""
    FAILED = "failed"
    """One of its jobs failed. It has no value."""
    INVALID = "invalid"
    """The spec check refused its spec. It costs no budget."""


OPEN_TRIAL_STATES = (TrialState.WAITING, TrialState.HELD)
"""States of the column in which a trial can still change."""


class Trial(Base):
    """A trial of a sweep. Its row is stored before its jobs, or in the same transaction."""

    __tablename__ = "trials"
    __table_args__ = (
        Index("ix_trials_sweep_id_state_number", "sweep_id", "state", "number"),
        Index("ix_trials_sweep_id_finished_at", "sweep_id", "finished_at"),
    )

    sweep_id: Mapped[UUID] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """Counted from 0 within the sweep, in the order of proposals."""
    parameters: Mapped[dict[str, Any]]
    """The value at each JSON pointer of the space."""
    is_from_client: Mapped[bool]
    """Whether a client chose the parameters."""
    proposed_after: Mapped[int]
    """The number of values that the sweep had when the parameters were chosen: those that the search has seen."""
    state: Mapped[TrialState] = mapped_column(build_enum(TrialState, "state"))
    reason: Mapped[dict[str, Any] | None]
    value: Mapped[float | None] = mapped_column(Double)
    """The objective, as the mean of `repeat_values`; None before the first value, and where it is not finite."""
    repeat_values: Mapped[list[float]] = mapped_column(JSON)
    """The objective of each repeat that counts, in order."""
    rung: Mapped[int]
    """The index of the rung that the trial trains to or is held at. The last one is the whole training."""
    reports: Mapped[list[dict[str, Any]]]
    """The values so far, each with its `epoch` (the number of epochs trained), `value`, and `number` in the sweep."""
    rerun_count: Mapped[int]
    """Number of its repeats on fresh seeds; 0 if it was not chosen for them."""
    losses: Mapped[int]
    """Number of its jobs that failed through the installation and were replaced, since the sweep was last resumed."""
    epochs: Mapped[int]
    """Epochs that its jobs have trained, or will have trained at most at the end of the current rung."""
    seconds: Mapped[float] = mapped_column(Double)
    """Run time of its jobs, as of their last report."""
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """When its state became final."""
