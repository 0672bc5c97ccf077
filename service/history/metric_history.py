"""The metrics of a job by epoch, and the representation of numbers that are not finite in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from models import Epoch, Job
from models.types import Doubles
from service.errors import InvalidInput, NotFound
from service.history import thinning
from stackyard.spec import Fault
from stackyard.spec.training.metric_directions import list_maximized_columns_of_documents


@dataclass(frozen=True)
class History:
    """Columns of equal length: `metrics[name][i]` belongs to `epochs[i]`, which counts from 0 as Keras does.

    `maximized` has the names of the metrics of which more is better, for those who use it: see
    `load_maximized_columns`.
    """

    epochs: Sequence[int]
    metrics: Mapping[str, Sequence[float]]
    maximized: frozenset[str] = frozenset()

    def select_metrics(self, names: Sequence[str]) -> "History":
        """Return the history of these metrics, in this order."""
        return replace(self, metrics={name: self.metrics[name] for name in names})

    def thinned(self, max_points: int | None) -> "History":
        """Return a history with at most so many epochs, chosen by `service.history.thinning`; None keeps all.

        Raises:
            Invalid: `max_points` is too small for the extremes of every metric.

        """
        if max_points is None:
            return self
        min_points = thinning.compute_min_rows(len(self.metrics))
        if max_points < min_points:
            raise _build_too_few_points(max_points, min_points, len(self.metrics))
        indices = thinning.choose_row_indices(list(self.metrics.values()), len(self.epochs), max_points)
        columns = {name: [column[index] for index in indices] for name, column in self.metrics.items()}
        return History([self.epochs[index] for index in indices], columns, self.maximized)


def load_history(
    session: Session,
    job_id: UUID,
    *,
    from_epoch: int = 0,
    to_epoch: int | None = None,
    max_epochs: int | None = None,
) -> History:
    """Load the recorded epochs of a job from `from_epoch` to `to_epoch`, both inclusive; at most `max_epochs`.

    Raises:
        NotFound: there is no such job.

    """
    names = session.scalar(select(Job.metric_names).where(Job.id == job_id))
    if names is None:
        raise NotFound("job", job_id)
    limits = () if to_epoch is None else (Epoch.epoch <= to_epoch,)
    rows = session.execute(
        select(Epoch.epoch, type_coerce(Epoch.values, LargeBinary))
        .where(Epoch.job_id == job_id, Epoch.epoch >= from_epoch, *limits)
        .order_by(Epoch.epoch)
        .limit(max_epochs),
    ).all()
    numbers = Doubles.unpack_rows(stored for _, stored in rows)
    columns = {name: numbers[index :: len(names)].tolist() for index, name in enumerate(names)}
    return History([epoch for epoch, _ in rows], columns)


def load_maximized_columns(session: Session, job_id: UUID) -> frozenset[str]:
    """Load the names of a job's metrics of which more is better; there is such a job."""
    metrics = session.scalar(select(Job.spec["training"]["metrics"]).where(Job.id == job_id))
    return list_maximized_columns_of_documents(metrics or ())


def _build_too_few_points(received: int, min_points: int, metric_count: int) -> InvalidInput:
    message = (
        f"expected at least {min_points}, received {received}: the first and the last epoch, and the minimum, the "
        f"maximum and the first value that is not finite of each of {metric_count} metrics"
    )
    return InvalidInput((Fault(pointer="/query/max_points", message=message, received=received),))
