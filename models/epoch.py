"""The metrics of each epoch."""

from collections.abc import Sequence

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned
from models.types import Doubles


class Epoch(JobOwned, Base):
    """The metrics of one epoch, counted from 0 as in Keras. The primary key prevents duplicates by several workers."""

    __tablename__ = "epochs"

    epoch: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[Sequence[float]] = mapped_column(Doubles)
    """Values in the order of the job's `metric_names`."""
