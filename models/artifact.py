"""Artifacts that jobs produced."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class Artifact(JobOwned, Base):
    """An artifact of a job. Its file is in the artifact store under its SHA-256; several jobs may share it."""

    __tablename__ = "artifacts"

    kind: Mapped[str] = mapped_column(primary_key=True)
    """`model`, `summary` or `preprocessing`."""
    sha256: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    created_at: Mapped[datetime]
