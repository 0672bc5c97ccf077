"""The checkpoint from which a job's training can resume."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class Checkpoint(JobOwned, Base):
    """The newest checkpoint of a job. The transaction that records the preceding epochs also updates this row."""

    __tablename__ = "checkpoints"

    sha256: Mapped[str] = mapped_column(index=True)
    """SHA-256 of the file in the artifact store; no other job shares it."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    """The attempt that wrote the checkpoint."""
    epoch: Mapped[int]
    """The epoch at which the training resumes, from 0. All earlier epochs are in the history."""
    step: Mapped[int]
    """The step of that epoch at which the training resumes, from 0."""
    created_at: Mapped[datetime]
