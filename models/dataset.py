"""Named and versioned datasets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.team.project import DEFAULT_PROJECT_ID

BUILTIN_MEDIA_TYPE = "application/vnd.stackyard.builtin"
"""Media type of scikit-learn's datasets, which have no file in the store."""


class Dataset(Base):
    """A version of a dataset, counted from 1. A name without a version refers to the newest one."""

    __tablename__ = "datasets"
    __table_args__ = (
        UniqueConstraint("project_id", "name", "version"),
        Index("ix_datasets_project_id_id", "project_id", "id"),
        Index("ix_datasets_owner_id_id", "owner_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(default=DEFAULT_PROJECT_ID)
    """The project that the dataset belongs to; not a foreign key, as in `models.Job`.

    Built-in datasets are visible in all projects.
    """
    owner_id: Mapped[UUID | None]
    """The user who uploaded the dataset; None on a server without users, and for built-in datasets."""
    name: Mapped[str]
    version: Mapped[int]
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[dict[str, Any]]
    """A `stackyard.spec.DatasetDescription` as JSON."""
    statistics: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    """A `service.datasets.dataset_statistics.DatasetStatistics` as JSON.

    It is None for built-in datasets, and for files that a release without statistics received. It is loaded only when
    it is read, because it may hold a megabyte and only people look at it.
    """
    created_at: Mapped[datetime]
