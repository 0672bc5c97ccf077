"""The usage of each user, project and day."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

NO_USER_ID = UUID(int=0)
"""Stands for the jobs without an owner, because the column is part of the primary key."""


class UsageRecord(Base):
    """What the jobs of a user in a project used on a day. It stays when the jobs are deleted."""

    __tablename__ = "usage_records"

    day: Mapped[date] = mapped_column(primary_key=True)
    """In UTC; the usage of an attempt belongs to the day of its end."""
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key, because the record outlives the user; `NO_USER_ID` for jobs without an owner."""
    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    """`cpu` or `gpu`."""
    device_seconds: Mapped[float] = mapped_column(Double)
    jobs: Mapped[int] = mapped_column(BigInteger)
    """Number of jobs that ended."""
    epochs: Mapped[int] = mapped_column(BigInteger)
    """Number of epochs that were trained."""
