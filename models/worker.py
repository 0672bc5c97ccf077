"""Workers: their device, their queue, and the time until which they count as alive."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


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
    """Number of TensorFlow intra-op threads of each child."""
    versions: Mapped[dict[str, Any]]
    """Versions of python, stackyard, keras and tensorflow."""
    draining: Mapped[bool]
    """Whether the worker has confirmed a request to stop or drain: it finishes its jobs and claims no more."""
    drain_requested: Mapped[bool] = mapped_column(default=False)
    """Whether a client requested that the worker drain."""

    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    alive_until: Mapped[datetime]
    """Time at which the worker counts as lost unless another heartbeat arrives."""
