"""The last and best value of each metric, stored separately so that lists of jobs need not read the history."""

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class JobMetric(JobOwned, Base):
    """The last and best value of a metric. A non-finite value is None; the history has the exact value."""

    __tablename__ = "job_metrics"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[float | None] = mapped_column(Double)
    best: Mapped[float | None] = mapped_column(Double)
    best_epoch: Mapped[int | None]
