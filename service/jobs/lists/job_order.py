"""Orders of a list of jobs: by a column, by the duration, or by a metric."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

from models import Job, JobMetric, JobState
from service.errors import InvalidInput
from stackyard.spec import Fault

_METRIC_SORT = re.compile(r"metrics\.(?P<metric>.+)\.(?P<column>best|last)", re.DOTALL)
_METRIC_COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {"best": JobMetric.best, "last": JobMetric.last}


class DurationInSeconds(FunctionElement[float]):
    """SQL expression of the seconds from the start of a job to its end; NULL before the end."""

    type = Double[float]()
    inherit_cache = True


@compiles(DurationInSeconds, "sqlite")
def _compile_sqlite_duration(_duration: DurationInSeconds, _compiler: Any, **_: Any) -> str:
    return "((julianday(jobs.finished_at) - julianday(jobs.started_at)) * 86400.0)"


@compiles(DurationInSeconds, "postgresql")
def _compile_postgresql_duration(_duration: DurationInSeconds, _compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM jobs.finished_at - jobs.started_at) AS DOUBLE PRECISION)"


@dataclass(frozen=True)
class SortColumn:
    """An expression that a list is sorted by, and the parser of its values in a cursor."""

    expression: InstrumentedAttribute[Any] | FunctionElement[Any]
    parse_value: Callable[[Any], Any]


def _parse_time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time in a cursor has a zone")
    return time.astimezone(UTC)


def _parse_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("expected text")
    value.encode()  # raises an error for half of a surrogate pair, which no database can store
    return value


def _parse_integer(value: Any) -> int:
    if not isinstance(value, int) or abs(value) >= 2**31:
        raise ValueError("expected an integer of 32 bits")
    return value


_SORT_COLUMNS: Mapping[str, SortColumn] = {
    "started_at": SortColumn(Job.started_at, _parse_time),
    "finished_at": SortColumn(Job.finished_at, _parse_time),
    "duration": SortColumn(DurationInSeconds(), float),
    "name": SortColumn(Job.name, _parse_text),
    "state": SortColumn(Job.state, JobState),
    "dataset": SortColumn(Job.dataset_name, _parse_text),
    "priority": SortColumn(Job.priority, _parse_integer),
}
CREATED_AT = "created_at"
SORT_PATTERN = rf"^({'|'.join([CREATED_AT, *_SORT_COLUMNS])}|metrics\.[^\x00-\x1f\x7f]+\.(best|last))$"
"""A regular expression of all values of `JobOrder.sort`."""


@dataclass(frozen=True)
class JobOrder:
    """The order of a list. Jobs without the value come last, whatever the direction.

    `sort` is `created_at`, the name of a column, or `metrics.NAME.best` and `metrics.NAME.last`.
    """

    sort: str = CREATED_AT
    is_descending: bool = True

    @property
    def is_default(self) -> bool:
        """Whether this is the order of the ids, newest first."""
        return self == JobOrder()

    @property
    def metric(self) -> str | None:
        """The name of the metric that the list is sorted by, if it is sorted by one."""
        match = _METRIC_SORT.fullmatch(self.sort)
        return match["metric"] if match else None

    @property
    def column(self) -> SortColumn | None:
        """The column of the order; None for the order of the ids.

        Raises:
            InvalidInput: there is no such order.

        """
        if self.sort == CREATED_AT:
            return None
        match = _METRIC_SORT.fullmatch(self.sort)
        if match:
            return SortColumn(_METRIC_COLUMNS[match["column"]], float)
        if self.sort not in _SORT_COLUMNS:
            raise InvalidInput((_build_unknown_sort(self.sort),))
        return _SORT_COLUMNS[self.sort]


def _build_unknown_sort(sort: str) -> Fault:
    expected = ", ".join([CREATED_AT, *_SORT_COLUMNS, "metrics.NAME.best", "metrics.NAME.last"])
    return Fault(pointer="/query/sort", message=f"Expected one of {expected}.", received=sort[:80])
