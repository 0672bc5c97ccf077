"""Comparison of jobs: how their specs differ, their histories, and the spread of repeated trainings."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job
from service.errors import NotFound
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import job_read_model
from service.jobs.job_read_model import JobDetails

MAX_JOBS = 50
_LABELS = frozenset({"name", "tags"})
"""Members of a spec that only label the job."""


@dataclass(frozen=True)
class Difference:
    """A place at which specs differ, as a JSON pointer, and its value in each spec; None where it is absent."""

    pointer: str
    values: Sequence[object]


@dataclass(frozen=True)
class Band:
    """The mean of a metric over repeated trainings by epoch, and the mean less and plus the standard deviation.

    The standard deviation divides by the number of trainings less one. Values that are not finite are left out.
    """

    epochs: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Repeats:
    """Jobs whose specs differ only in seeds, by their indices in the comparison, and the bands of their metrics."""

    jobs: Sequence[int]
    metrics: Mapping[str, Band]


@dataclass(frozen=True)
class Comparison:
    """Jobs, their histories in the same order, the differences of their specs, and their repeats."""

    jobs: Sequence[JobDetails]
    histories: Sequence[History]
    differences: Sequence[Difference]
    repeats: Sequence[Repeats]


def compare_jobs(session: Session, job_ids: Sequence[UUID], max_points: int) -> Comparison:
    """Compare jobs.

    Args:
        session: to read from.
        job_ids: at least two different jobs, and at most `MAX_JOBS`.
        max_points: maximum number of epochs of each history and of each band.

    Raises:
        NotFound: there is no job with one of the ids.
        InvalidInput: `max_points` is too small for the extremes of every metric.

    """
    rows = _load_jobs(session, job_ids)
    groups = _group_repeats([row.spec for row in rows])
    step = max(1, math.ceil(max((row.epochs_done for row in rows), default=0) / max_points))
    histories: list[History] = []
    sampled: dict[int, History] = {}
    repeated = {index for group in groups for index in group}
    for index, row in enumerate(rows):  # one complete history at a time is in memory
        history = metric_history.load_history(session, row.id)
        histories.append(history.thinned(max_points) if len(history.epochs) > max_points else history)
        if index in repeated:
            sampled[index] = _sample_epochs(history, step)
    return Comparison(
        jobs=job_read_model.load_listed_job_details(session, rows),
        histories=histories,
        differences=list(_find_differences("", [_remove_labels(row.spec) for row in rows])),
        repeats=[_build_repeats(group, [sampled[index] for index in group]) for group in groups],
    )


def _load_jobs(session: Session, job_ids: Sequence[UUID]) -> list[Job]:
    by_id = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(job_ids)))}
    for job_id in job_ids:
        if job_id not in by_id:
            raise NotFound("job", job_id)
    return [by_id[job_id] for job_id in job_ids]


def _remove_labels(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _LABELS}


def _find_differences(pointer: str, values: Sequence[Any]) -> Iterator[Difference]:
    """Yield the differences of JSON values. Objects of different types differ as a whole."""
    if all(value == values[0] and type(value) is type(values[0]) for value in values):
        return
    if all(isinstance(value, dict) for value in values) and len({value.get("type") for value in values}) == 1:
        names = dict.fromkeys(name for value in values for name in value)
        for name in names:
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _find_differences(f"{pointer}/{escaped}", [value.get(name) for value in values])
    elif all(isinstance(value, list) for value in values):
        for index in range(max(len(value) for value in values)):
            items = [value[index] if index < len(value) else None for value in values]
            yield from _find_differences(f"{pointer}/{index}", items)
    else:
        yield Difference(pointer, values)


def _group_repeats(specs: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Return the indices of the specs that differ only in seeds, for each group of at least two."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, spec in enumerate(specs):
        groups[json.dumps(_remove_seeds(_remove_labels(spec)), sort_keys=True)].append(index)
    return [indices for indices in groups.values() if len(indices) > 1]


def _remove_seeds(value: object) -> object:
    match value:
        case dict():
            members = cast("dict[str, object]", value).items()
            return {name: _remove_seeds(member) for name, member in members if name != "seed"}
        case list():
            return [_remove_seeds(item) for item in cast("list[object]", value)]
        case _:
            return value


def _sample_epochs(history: History, step: int) -> History:
    """Return every `step`-th epoch, so that the samples of all jobs have the same epochs."""
    indices = [index for index, epoch in enumerate(history.epochs) if epoch % step == 0]
    columns = {name: [column[index] for index in indices] for name, column in history.metrics.items()}
    return History([history.epochs[index] for index in indices], columns)


def _build_repeats(group: Sequence[int], histories: Sequence[History]) -> Repeats:
    names = dict.fromkeys(name for history in histories for name in history.metrics)
    return Repeats(group, {name: _build_band(name, histories) for name in names})


def _build_band(name: str, histories: Sequence[History]) -> Band:
    values_by_epoch: defaultdict[int, list[float]] = defaultdict(list)
    for history in histories:
        for epoch, value in zip(history.epochs, history.metrics.get(name, ()), strict=False):
            if math.isfinite(value):
                values_by_epoch[epoch].append(value)
    epochs = sorted(values_by_epoch)
    means = [fmean(values_by_epoch[epoch]) for epoch in epochs]
    spreads = [stdev(values) if len(values := values_by_epoch[epoch]) > 1 else 0.0 for epoch in epochs]
    return Band(
        epochs,
        means,
        [mean - spread for mean, spread in zip(means, spreads, strict=True)],
        [mean + spread for mean, spread in zip(means, spreads, strict=True)],
    )
