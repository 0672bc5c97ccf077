"""Where a job's training can be taken up again."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class Checkpoint(JobOwned, Base):
    """A job's newest checkpoint; the row moves in the transaction that records the epochs before it."""

    __tablename__ = "checkpoints"

    sha256: Mapped[str] = mapped_column(index=True)
    """Of its file in the artifact store, which no other job shares."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    """Which attempt wrote it."""
    epoch: Mapped[int]
    """The epoch with which the training goes on, from 0: all before it are in the history."""
    step: Mapped[int]
    """The step of that epoch with which it goes on, from 0."""
    created_at: Mapped[datetime]
