"""Summaries of metrics: the last and the best value of each, updated with every epoch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Epoch
from service.history import json_floats


@dataclass(frozen=True)
class MetricSummary:
    """The last value of a metric, its best value so far, and the epoch of the best value.

    The last value is None if it is not finite; the best value and its epoch are None if no value was finite.
    """

    last: float | None
    best: float | None
    best_epoch: int | None


def update_summaries(
    summaries: Mapping[str, MetricSummary],
    metric_names: Sequence[str],
    maximized: Collection[str],
    epoch: int,
    values: Iterable[float],
) -> dict[str, MetricSummary]:
    """Return the summaries of metrics after one more epoch.

    Args:
        summaries: before the epoch.
        metric_names: names of `values`, in their order.
        maximized: names of the metrics of which more is better; of the others, less is better.
        epoch: its number, from 0.
        values: of the epoch.

    """
    return {
        name: _update_summary(epoch, value, summaries.get(name), is_maximized=name in maximized)
        for name, value in zip(metric_names, values, strict=True)
    }


def compute_recorded_summaries(
    session: Session, job_id: UUID, metric_names: Sequence[str], maximized: Collection[str]
) -> dict[str, MetricSummary]:
    """Compute the summaries of a job's metrics from all recorded epochs; `maximized` as in `update_summaries`."""
    summaries: dict[str, MetricSummary] = {}
    if metric_names:
        rows = session.execute(select(Epoch.epoch, Epoch.values).where(Epoch.job_id == job_id).order_by(Epoch.epoch))
        for row in rows:
            summaries = update_summaries(summaries, metric_names, maximized, row.epoch, row.values)
    return summaries


def _update_summary(epoch: int, value: float, summary: MetricSummary | None, *, is_maximized: bool) -> MetricSummary:
    number = json_floats.to_json_float(value)
    if summary is None or summary.best is None:
        return MetricSummary(number, number, None if number is None else epoch)
    if number is not None and (number > summary.best if is_maximized else number < summary.best):
        return MetricSummary(number, number, epoch)
    return MetricSummary(number, summary.best, summary.best_epoch)
