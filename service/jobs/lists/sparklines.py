"""Sparklines: a few values of one metric for each job of a list, without reading whole histories."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session, aliased

from models import Epoch, Job
from service.history import json_floats

MAX_POINTS = 40
"""The largest number of points of a sparkline."""


@dataclass(frozen=True)
class _RecordedMetric:
    """The index of a metric among the values of a job, and the last epoch of the job with its value."""

    job_id: UUID
    index: int
    last_epoch: int
    last_value: float

    @property
    def stride(self) -> int:
        """The distance of two points: a power of two, so that few different ones occur on a page."""
        stride = 1
        while stride * (MAX_POINTS - 1) < self.last_epoch:
            stride *= 2
        return stride


def load_sparklines(session: Session, job_ids: Sequence[UUID], metric: str) -> dict[UUID, list[float | None]]:
    """Load at most `MAX_POINTS` values of a metric of each job, evenly spaced from the first to the last one.

    A value that is not finite is None. Jobs that do not record the metric have no points.
    """
    recorded = {entry.job_id: entry for entry in _load_recorded_metrics(session, job_ids, metric)}
    sparklines: dict[UUID, list[float | None]] = {job_id: [] for job_id in job_ids}
    for job_id, epoch, values in _load_epochs(session, recorded.values()):
        if epoch < recorded[job_id].last_epoch:
            sparklines[job_id].append(json_floats.to_json_float(values[recorded[job_id].index]))
    for job_id, entry in recorded.items():
        sparklines[job_id].append(json_floats.to_json_float(entry.last_value))
    return sparklines


def _load_recorded_metrics(session: Session, job_ids: Sequence[UUID], metric: str) -> Iterator[_RecordedMetric]:
    other = aliased(Epoch)
    last_epoch = select(func.max(other.epoch)).where(other.job_id == Job.id).correlate(Job).scalar_subquery()
    query = select(Job.id, Job.metric_names, Epoch.epoch, Epoch.values)
    query = query.join(Epoch, (Epoch.job_id == Job.id) & (Epoch.epoch == last_epoch)).where(Job.id.in_(job_ids))
    for job_id, names, epoch, values in session.execute(query):
        if metric in names:
            index = names.index(metric)
            yield _RecordedMetric(job_id, index, epoch, values[index])


def _load_epochs(session: Session, recorded: Iterable[_RecordedMetric]) -> Sequence[tuple[UUID, int, Sequence[float]]]:
    """Load the epochs of all points, in their order: one selection for all jobs with the same stride."""
    ids_by_stride: dict[int, list[UUID]] = defaultdict(list)
    for entry in recorded:
        ids_by_stride[entry.stride].append(entry.job_id)
    selections = [
        select(Epoch.job_id, Epoch.epoch, Epoch.values).where(
            Epoch.job_id.in_(ids), Epoch.epoch.in_(range(0, stride * (MAX_POINTS - 1), stride))
        )
        for stride, ids in ids_by_stride.items()
    ]
    if not selections:
        return []
    rows = session.execute(union_all(*selections)).all()
    return sorted(((job_id, epoch, values) for job_id, epoch, values in rows), key=lambda row: row[1])
