"""A metric's last and best value, kept beside the history so that a list of jobs need not read it."""

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class JobMetric(JobOwned, Base):
    """A value that is not finite is None here; the history has it exactly."""

    __tablename__ = "job_metrics"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[float | None] = mapped_column(Double)
    best: Mapped[float | None] = mapped_column(Double)
    best_epoch: Mapped[int | None]
