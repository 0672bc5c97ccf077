"""The last and best value of each metric, stored separately so that lists of jobs need not read the history."""

from sqlalchemy import Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class JobMetric(JobOwned, Base):
    """The last and best value of a metric. A non-finite value is None; the history has the exact value."""

    __tablename__ = "job_metrics"
    __table_args__ = (
        # The orders of lists of jobs by a metric.
        Index("ix_job_metrics_name_best_job_id", "name", "best", "job_id"),
        Index("ix_job_metrics_name_last_job_id", "name", "last", "job_id"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[float | None] = mapped_column(Double)
    best: Mapped[float | None] = mapped_column(Double)
    best_epoch: Mapped[int | None]
