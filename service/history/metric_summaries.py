"""A metric in short: its last value and its best, kept up to date as epochs come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Epoch
from service.history import metric_history


@dataclass(frozen=True)
class MetricSummary:
    """A metric's last value, its best so far and the epoch of that; None for what is not finite."""

    last: float | None
    best: float | None
    best_epoch: int | None


def with_epoch(
    before: Mapping[str, MetricSummary], names: Sequence[str], epoch: int, values: Iterable[float]
) -> dict[str, MetricSummary]:
    """The summaries of the metrics `names` after one more epoch."""
    return {name: _after(name, epoch, value, before.get(name)) for name, value in zip(names, values, strict=True)}


def recorded(session: Session, job_id: UUID, names: Sequence[str]) -> dict[str, MetricSummary]:
    """The summaries of a job's metrics `names` over all epochs that are recorded."""
    found: dict[str, MetricSummary] = {}
    if names:
        rows = session.execute(select(Epoch.epoch, Epoch.values).where(Epoch.job_id == job_id).order_by(Epoch.epoch))
        for row in rows:
            found = with_epoch(found, names, row.epoch, row.values)
    return found


def _after(name: str, epoch: int, value: float, before: MetricSummary | None) -> MetricSummary:
    number = metric_history.finite(value)
    if before is None or before.best is None:
        return MetricSummary(number, number, None if number is None else epoch)
    if number is not None and (
        number > before.best if metric_history.higher_is_better(name) else number < before.best
    ):
        return MetricSummary(number, number, epoch)
    return MetricSummary(number, before.best, before.best_epoch)
