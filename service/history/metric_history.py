"""A job's metrics by epoch, and the one way in which numbers that are not finite leave the service."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from models import Epoch, Job
from models.types import Doubles
from service.errors import Invalid, NotFound
from service.history import thinning
from stackyard.spec import Problem

_BETTER_WHEN_GREATER = (
    "acc",
    "auc",
    "precision",
    "recall",
    "sensitivity",
    "specificity",
    "score",
    "iou",
    "cosine",
)
"""Parts of the names of Keras's metrics that are to be maximised; every other metric, and every loss, is an error."""


Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class History:
    """Columns of equal length: `metrics[name][i]` belongs to `epochs[i]`, which counts from 0 as Keras does."""

    epochs: Sequence[int]
    metrics: Mapping[str, Sequence[float]]

    def thinned(self, max_points: int | None) -> "History":
        """The same with at most so many epochs, chosen by `service.history.thinning`; None leaves it whole.

        Raises:
            Invalid: so few cannot keep every metric's extremes.

        """
        if max_points is None:
            return self
        least = thinning.least(len(self.metrics))
        if max_points < least:
            raise _too_few(max_points, least, len(self.metrics))
        places = thinning.thin(list(self.metrics.values()), len(self.epochs), max_points)
        columns = {name: [column[place] for place in places] for name, column in self.metrics.items()}
        return History([self.epochs[place] for place in places], columns)


def read(session: Session, job_id: UUID, *, from_epoch: int = 0) -> History:
    """The epochs of a job that are recorded so far, from `from_epoch` on.

    Raises:
        NotFound: there is no such job.

    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound("job", job_id)
    rows = session.execute(
        select(Epoch.epoch, type_coerce(Epoch.values, LargeBinary))
        .where(Epoch.job_id == job_id, Epoch.epoch >= from_epoch)
        .order_by(Epoch.epoch),
    ).all()
    numbers, names = Doubles.unpack(stored for _, stored in rows), job.metric_names
    columns = {name: numbers[place :: len(names)].tolist() for place, name in enumerate(names)}
    return History([epoch for epoch, _ in rows], columns)


def _too_few(received: int, least: int, metrics: int) -> Invalid:
    message = (
        f"expected at least {least}, received {received}: the first and the last epoch, and the least, the greatest "
        f"and the first value that is not finite of {metrics} metrics"
    )
    return Invalid((Problem(pointer="/query/max_points", message=message, received=received),))


def higher_is_better(metric: str) -> bool:
    """Whether a metric of this name is to be maximised; `val_` in front changes nothing."""
    return any(part in metric.lower() for part in _BETTER_WHEN_GREATER)


def finite(number: float) -> float | None:
    """The number as JSON can carry it: None where it is NaN or infinite."""
    return number if math.isfinite(number) else None


def word(number: float) -> str:
    """A number that is not finite, as a word: `NaN`, `Infinity` or `-Infinity`."""
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def nonfinite(column: Iterable[tuple[Key, float]]) -> dict[Key, str]:
    """The words for those numbers of a column that JSON cannot carry, by their key."""
    return {key: word(number) for key, number in column if not math.isfinite(number)}
