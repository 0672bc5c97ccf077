"""The child processes of workers, and the backend of each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job import Backend
from models.types import build_enum


class WorkerChild(Base):
    """A child process of a worker. The row of a process that ended is deleted by the process that replaces it."""

    __tablename__ = "worker_children"

    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    """The `models.Worker`. Not a foreign key, because children may start before their worker is registered."""
    process: Mapped[str] = mapped_column(primary_key=True)
    """Host and process id, as in `Job.worker`."""
    backend: Mapped[Backend] = mapped_column(build_enum(Backend, "backend"))
    """The backend with which the process computes. Until it is ready, it is the one that the process loads, or that
    the process which replaces it will load."""
    ready: Mapped[bool]
    """Whether the process has loaded its backend and takes jobs."""
    changed_at: Mapped[datetime]
    """When the process began to load its backend, was ready, or was about to be replaced."""
