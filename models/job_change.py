"""The latest change of a job that no transition records: of its name, its tags or its priority, or its deletion."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.team.project import DEFAULT_PROJECT_ID


class JobChange(Base):
    """The latest such change of a job. The row stays for an hour, so that readers of changes notice it."""

    __tablename__ = "job_changes"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key, because the row outlives a deleted job."""
    project_id: Mapped[UUID] = mapped_column(default=DEFAULT_PROJECT_ID)
    """The project of the job, which a deleted job no longer tells."""
    changed_at: Mapped[datetime] = mapped_column(index=True)
    deleted: Mapped[bool]
