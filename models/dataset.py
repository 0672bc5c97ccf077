"""Named and versioned datasets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

BUILTIN_MEDIA_TYPE = "application/vnd.stackyard.builtin"
"""Media type of scikit-learn's datasets, which have no file in the store."""


class Dataset(Base):
    """A version of a dataset, counted from 1. A name without a version refers to the newest one."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
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
