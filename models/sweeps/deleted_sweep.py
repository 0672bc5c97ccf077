"""Deleted sweeps, for readers of changes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.team.project import DEFAULT_PROJECT_ID


class DeletedSweep(Base):
    """The deletion of a sweep. The row stays for an hour, so that readers of changes notice it."""

    __tablename__ = "deleted_sweeps"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(default=DEFAULT_PROJECT_ID)
    deleted_at: Mapped[datetime] = mapped_column(index=True)
