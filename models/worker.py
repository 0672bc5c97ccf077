"""Workers, with the time until which they count as alive, and their child processes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job import Backend
from models.types import build_enum


class Worker(Base):
    """A Celery parent process with its children. The row stays for a day after the worker is lost."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Id of one run of the process; it changes with a restart."""
    host: Mapped[str]
    pid: Mapped[int]
    """Process id of the parent; those of its children are in `Job.worker`."""
    device: Mapped[str]
    """Device that the worker computes on: `cpu` or `gpu`."""
    cards: Mapped[list[str]]
    """Names of the visible GPUs, in the order in which the children use them."""
    queue: Mapped[str]
    concurrency: Mapped[int]
    """Number of children, and so of jobs that run at once."""
    threads: Mapped[int]
    """Number of threads of an operation in each child."""
    versions: Mapped[dict[str, Any]]
    """Versions of python, stackyard, keras, jax and tensorflow."""
    draining: Mapped[bool]
    """Whether the worker has confirmed a request to stop or drain: it finishes its jobs and claims no more."""
    drain_requested: Mapped[bool] = mapped_column(default=False)
    """Whether a client requested that the worker drain."""

    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    alive_until: Mapped[datetime]
    """Time at which the worker counts as lost unless another heartbeat arrives."""


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
