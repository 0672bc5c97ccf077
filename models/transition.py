"""State transitions of jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class Transition(JobOwned, Base):
    """A transition between two states, with its time, attempt and reason; numbered from 1 within the job."""

    __tablename__ = "transitions"

    number: Mapped[int] = mapped_column(primary_key=True)
    from_state: Mapped[str | None]
    """None for the first transition, the creation of the job."""
    to_state: Mapped[str]
    attempt: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
    reason: Mapped[dict[str, Any] | None]
    worker_id: Mapped[UUID | None]
    """The `models.Worker` that started the attempt; None in other transitions, and in those of earlier releases."""
