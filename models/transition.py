"""A step in a job's life."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class Transition(JobOwned, Base):
    """From one state to the next, when, in which attempt and why; numbered from 1 within the job."""

    __tablename__ = "transitions"

    number: Mapped[int] = mapped_column(primary_key=True)
    from_state: Mapped[str | None]
    """None for the first: the job was made."""
    to_state: Mapped[str]
    attempt: Mapped[int]
    at: Mapped[datetime]
    reason: Mapped[dict[str, Any] | None]
