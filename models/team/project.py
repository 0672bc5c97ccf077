"""Projects: the objects of different projects do not see each other."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

DEFAULT_PROJECT_ID = UUID("00000000-0000-7000-8000-000000000000")
"""The id of the project of all objects on a server without users. A migration creates it."""
DEFAULT_PROJECT_NAME = "default"


class Project(Base):
    """A group of jobs, datasets and sweeps, which its members see."""

    __tablename__ = "projects"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
