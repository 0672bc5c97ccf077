"""Pages of jobs in any order.

A page comes from two parts of the list: first the jobs that have the value of the order, then those that lack it. Each
part is read by an index that ends with the id, which settles ties.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, exists, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import Job, JobMetric
from service.db.pagination import Page
from service.jobs import queries
from service.jobs.lists.cursors import Position, decode_cursor, encode_cursor
from service.jobs.lists.job_order import JobOrder, SortColumn
from service.jobs.queries import JobFilter

_Query = TypeVar("_Query", bound=Select[*tuple[Any, ...]])

_DEFAULT_ORDER = JobOrder()
_MAX_IDS = 500
"""Matches of a filter that are looked up one by one in another order. A page of many more is found sooner in order."""


def list_jobs(
    session: Session, job_filter: JobFilter, order: JobOrder = _DEFAULT_ORDER, *, limit: int, cursor: str | None
) -> Page[Job]:
    """Return a page of the jobs that match a filter, with the columns that a list shows.

    Raises:
        InvalidInput: there is no such order, or the cursor does not come from an earlier page in this order.

    """
    if order.is_default:
        return queries.list_jobs(session, job_filter, limit=limit, cursor=cursor)
    after = None if cursor is None else decode_cursor(order, cursor)
    positions = _load_positions(session, job_filter, order, after, limit + 1)
    on_page = positions[:limit]
    jobs = queries.load_listed_jobs(session, [position.job_id for position in on_page])
    return Page(tuple(jobs), encode_cursor(order, on_page[-1]) if len(positions) > limit else None)


def _load_positions(
    session: Session, job_filter: JobFilter, order: JobOrder, after: Position | None, limit: int
) -> list[Position]:
    selection = _select_jobs(session, job_filter)
    positions: list[Position] = []
    if order.column is not None and (after is None or after.value is not None):
        query = _build_value_query(selection, order, order.column, after)
        positions = [Position(value, job_id) for job_id, value in session.execute(query.limit(limit))]
        after = None
    if len(positions) < limit:
        query = _build_missing_value_query(selection, order, after)
        positions += [Position(None, job_id) for job_id in session.scalars(query.limit(limit - len(positions)))]
    return positions


@dataclass(frozen=True)
class _Selection:
    """The jobs that match a filter: by the ids of all of them, or by conditions if there are too many."""

    conditions: Sequence[ColumnElement[bool]]
    ids: Sequence[UUID] | None = None

    def restrict(self, query: _Query, job_id: InstrumentedAttribute[UUID]) -> _Query:
        """Return a query with this selection; `job_id` is its column of the id of a job."""
        if self.ids is not None:
            return query.where(job_id.in_(self.ids))
        if self.conditions and job_id is not Job.id:
            query = query.join(Job, Job.id == job_id)
        return query.where(*self.conditions)


def _select_jobs(session: Session, job_filter: JobFilter) -> _Selection:
    """Return the jobs that match a filter.

    A query for many of them follows the index of the order until its page is full. For a few, it would follow the
    index through all other jobs.
    """
    conditions = queries.build_list_conditions(job_filter)
    if not conditions:
        return _Selection(conditions)
    ids = session.scalars(select(Job.id).where(*conditions).limit(_MAX_IDS + 1)).all()
    return _Selection(conditions, ids if len(ids) <= _MAX_IDS else None)


def _build_value_query(
    selection: _Selection, order: JobOrder, column: SortColumn, after: Position | None
) -> Select[UUID, Any]:
    """Return the query for the ids and values of the jobs that have the value of the order."""
    value, job_id = column.expression, Job.id if order.metric is None else JobMetric.job_id
    query = selection.restrict(select(job_id, value).where(value.is_not(None)), job_id)
    if order.metric is not None:
        query = query.where(JobMetric.name == order.metric)
    if after is not None:
        last = tuple_(literal(after.value, value.type), literal(after.job_id, Uuid()))
        query = query.where(tuple_(value, job_id) < last if order.is_descending else tuple_(value, job_id) > last)
    return query.order_by(_direct(value, order), _direct(job_id, order))


def _build_missing_value_query(selection: _Selection, order: JobOrder, after: Position | None) -> Select[UUID]:
    """Return the query for the ids of the jobs that lack the value of the order."""
    query = selection.restrict(select(Job.id), Job.id)
    if order.metric is not None and order.column is not None:
        has_value = exists().where(
            JobMetric.job_id == Job.id, JobMetric.name == order.metric, order.column.expression.is_not(None)
        )
        query = query.where(~has_value)
    elif order.column is not None:
        query = query.where(order.column.expression.is_(None))
    if after is not None:
        query = query.where(Job.id < after.job_id if order.is_descending else Job.id > after.job_id)
    return query.order_by(_direct(Job.id, order))


def _direct(expression: Any, order: JobOrder) -> ColumnElement[Any]:
    return expression.desc() if order.is_descending else expression.asc()
