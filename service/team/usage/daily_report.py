"""The usage of users and projects by day: device-seconds, jobs and epochs from records, bytes from rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Label, Select, SQLColumnExpression, func, literal_column, or_, select
from sqlalchemy.orm import Session

from models import Artifact, Dataset, Job, UsageRecord
from models.dataset import BUILTIN_MEDIA_TYPE
from models.team import NO_USER_ID
from service.team.principal import Principal


class UsageKey(StrEnum):
    """By what usage is grouped."""

    USER = "user"
    PROJECT = "project"
    DAY = "day"


@dataclass(frozen=True)
class UsagePeriod:
    """Days in UTC, with the first and the last one."""

    first: date
    last: date


@dataclass
class Usage:
    """The usage of a group. A key by which it is not grouped is None, and so is the user of jobs without an owner.

    Args:
        user_id: the owner of the jobs, datasets and artifacts.
        project_id: their project.
        day: the day in UTC on which attempts ended and files were stored.
        device_seconds: seconds of attempts, by device.
        jobs: number of jobs that ended.
        epochs: number of epochs that were trained.
        bytes: size of the datasets and artifacts that were stored and are still there.

    """

    user_id: UUID | None = None
    project_id: UUID | None = None
    day: date | None = None
    device_seconds: dict[str, float] = field(default_factory=dict[str, float])
    jobs: int = 0
    epochs: int = 0
    bytes: int = 0


_Columns = dict[UsageKey, SQLColumnExpression[Any]]


def load_usage(
    session: Session,
    principal: Principal,
    period: UsagePeriod,
    keys: Sequence[UsageKey],
    *,
    limit: int,
) -> list[Usage] | None:
    """Load the usage in a period that a principal sees: their own, and that of their projects; an admin sees all.

    Args:
        session: to read in, without a restriction to projects.
        principal: who asks.
        period: the days.
        keys: by what the usage is grouped.
        limit: the largest number of groups.

    Returns:
        The groups, the newest day first; None if there are more than `limit`.

    """
    groups: defaultdict[tuple[Any, ...], Usage] = defaultdict(Usage)
    for row in session.execute(_select_records(principal, period, keys).limit(limit * 2 + 1)):
        usage = _find_group(groups, row, keys)
        usage.device_seconds[row.device] = row.device_seconds
        usage.jobs += row.jobs
        usage.epochs += row.epochs
    for query in _select_bytes(session, principal, period, keys):
        for row in session.execute(query.limit(limit + 1)):
            _find_group(groups, row, keys).bytes += row.bytes
    return None if len(groups) > limit else sorted(groups.values(), key=_build_sort_key)


def _find_group(groups: defaultdict[tuple[Any, ...], Usage], row: Any, keys: Sequence[UsageKey]) -> Usage:
    values = {key: _normalize(key, getattr(row, key.value)) for key in keys}
    usage = groups[tuple(values.values())]
    usage.user_id = values.get(UsageKey.USER)
    usage.project_id = values.get(UsageKey.PROJECT)
    usage.day = values.get(UsageKey.DAY)
    return usage


def _normalize(key: UsageKey, value: Any) -> Any:
    if key is UsageKey.USER and value == NO_USER_ID:
        return None
    if key is UsageKey.DAY and isinstance(value, str):  # SQLite has no dates
        return date.fromisoformat(value)
    return value


def _build_sort_key(usage: Usage) -> tuple[int, float, str, str]:
    day = 0 if usage.day is None else -usage.day.toordinal()
    return day, -sum(usage.device_seconds.values()), str(usage.user_id), str(usage.project_id)


def _select_records(principal: Principal, period: UsagePeriod, keys: Sequence[UsageKey]) -> Select[Any]:
    columns: _Columns = {
        UsageKey.USER: UsageRecord.user_id,
        UsageKey.PROJECT: UsageRecord.project_id,
        UsageKey.DAY: UsageRecord.day,
    }
    return (
        select(
            *_label(columns, keys),
            UsageRecord.device,
            func.sum(UsageRecord.device_seconds).label("device_seconds"),
            func.sum(UsageRecord.jobs).label("jobs"),
            func.sum(UsageRecord.epochs).label("epochs"),
        )
        .where(UsageRecord.day.between(period.first, period.last), _is_visible(principal, columns))
        .group_by(*(columns[key] for key in keys), UsageRecord.device)
    )


def _select_bytes(
    session: Session, principal: Principal, period: UsagePeriod, keys: Sequence[UsageKey]
) -> Iterator[Select[Any]]:
    for size, created_at, owner, query in (
        (Dataset.bytes, Dataset.created_at, Dataset, select().where(Dataset.media_type != BUILTIN_MEDIA_TYPE)),
        (Artifact.bytes, Artifact.created_at, Job, select().join_from(Artifact, Job, Job.id == Artifact.job_id)),
    ):
        columns: _Columns = {
            UsageKey.USER: owner.owner_id,
            UsageKey.PROJECT: owner.project_id,
            UsageKey.DAY: _truncate_to_day(session, created_at),
        }
        start, end = _get_bounds(period)
        yield (
            query.add_columns(*_label(columns, keys), func.sum(size).label("bytes"))
            .where(created_at >= start, created_at < end, _is_visible(principal, columns))
            .group_by(*(columns[key] for key in keys))
        )


def _truncate_to_day(session: Session, created_at: Any) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "sqlite":
        return func.date(created_at)
    # The zone is no parameter, because PostgreSQL must see that the selected and the grouped expression are the same.
    return func.date(func.timezone(literal_column("'UTC'"), created_at))


def _get_bounds(period: UsagePeriod) -> tuple[datetime, datetime]:
    start = datetime.combine(period.first, time(), UTC)
    return start, datetime.combine(period.last, time(), UTC) + timedelta(days=1)


def _label(columns: _Columns, keys: Sequence[UsageKey]) -> list[Label[Any]]:
    return [columns[key].label(key.value) for key in keys]


def _is_visible(principal: Principal, columns: _Columns) -> ColumnElement[bool]:
    """Return the condition on rows that the principal sees; a token for one project shows that project alone."""
    projects = principal.visible_projects
    if projects is None:
        return columns[UsageKey.PROJECT].is_not(None)
    in_projects = columns[UsageKey.PROJECT].in_(projects)
    if principal.token_project_id is not None or principal.user_id is None:
        return in_projects
    return or_(in_projects, columns[UsageKey.USER] == principal.user_id)
