"""A worker: who serves a queue, on what, and until when it is believed to live."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Worker(Base):
    """One Celery parent with its children; there while it runs, and for a day after it was lost."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Of one run of the process: after a restart it is another."""
    host: Mapped[str]
    pid: Mapped[int]
    """The parent's; its children's are in `Job.worker`."""
    device: Mapped[str]
    """What it computes on: `cpu` or `gpu`."""
    cards: Mapped[list[str]]
    """The names of the GPUs that it sees, in the order in which its children take them."""
    queue: Mapped[str]
    concurrency: Mapped[int]
    """Its children: as many jobs run at once."""
    threads: Mapped[int]
    """TensorFlow's intra-op threads in each child."""
    versions: Mapped[dict[str, Any]]
    """Of python, stackyard, keras and tensorflow."""
    draining: Mapped[bool]
    """Whether it was told to end or to drain, and knows it: it finishes what it has and takes no more."""
    drain_requested: Mapped[bool] = mapped_column(default=False)
    """Whether somebody asked it to drain."""

    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    alive_until: Mapped[datetime]
    """Without another sign of life it counts as lost from then on."""
