"""What every table of a job's belongings has in common."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class JobOwned:
    """A row that belongs to a job, is found by it first, and goes with it."""

    @declared_attr
    @classmethod
    def job_id(cls) -> Mapped[UUID]:
        """The owner; first part of the primary key."""
        return mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, sort_order=-1)
