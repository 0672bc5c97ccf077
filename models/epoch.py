"""One epoch's metrics."""

from collections.abc import Sequence

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned
from models.types import Doubles


class Epoch(JobOwned, Base):
    """The key holds each epoch of a job once, whatever its workers do; epochs count from 0, as Keras's."""

    __tablename__ = "epochs"

    epoch: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[Sequence[float]] = mapped_column(Doubles)
    """In the order of the job's `metric_names`."""
