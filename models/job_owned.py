"""Mixin of the tables whose rows belong to a job."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class JobOwned:
    """A row that belongs to a job and is deleted with it. Its primary key begins with the job's id."""

    @declared_attr
    @classmethod
    def job_id(cls) -> Mapped[UUID]:
        """Return the column of the owner, the first part of the primary key."""
        return mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, sort_order=-1)
