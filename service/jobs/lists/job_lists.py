"""Pages of jobs in any order.

A page comes from two parts of the list: first the jobs that have the value of the order, then those that lack it. Each
part is read by an index that ends with the id, which settles ties.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, exists, literal, select, tuple_
from sqlalchemy.orm import Session

from models import Job, JobMetric
from service.db.pagination import Page
from service.jobs import queries
from service.jobs.lists.cursors import Position, decode_cursor, encode_cursor
from service.jobs.lists.job_order import JobOrder, SortColumn
from service.jobs.queries import JobFilter

_DEFAULT_ORDER = JobOrder()


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
    conditions = queries.build_list_conditions(job_filter)
    positions: list[Position] = []
    if order.column is not None and (after is None or after.value is not None):
        query = _build_value_query(conditions, order, order.column, after)
        positions = [Position(value, job_id) for job_id, value in session.execute(query.limit(limit))]
        after = None
    if len(positions) < limit:
        query = _build_missing_value_query(conditions, order, after)
        positions += [Position(None, job_id) for job_id in session.scalars(query.limit(limit - len(positions)))]
    return positions


def _build_value_query(
    conditions: Sequence[ColumnElement[bool]], order: JobOrder, column: SortColumn, after: Position | None
) -> Select[UUID, Any]:
    """Return the query for the ids and values of the jobs that have the value of the order."""
    value, job_id = column.expression, Job.id if order.metric is None else JobMetric.job_id
    query = select(job_id, value).where(value.is_not(None), *conditions)
    if order.metric is not None:
        query = query.where(JobMetric.name == order.metric)
        query = query.join(Job, Job.id == JobMetric.job_id) if conditions else query
    if after is not None:
        last = tuple_(literal(after.value, value.type), literal(after.job_id, Uuid()))
        query = query.where(tuple_(value, job_id) < last if order.is_descending else tuple_(value, job_id) > last)
    return query.order_by(_direct(value, order), _direct(job_id, order))


def _build_missing_value_query(
    conditions: Sequence[ColumnElement[bool]], order: JobOrder, after: Position | None
) -> Select[UUID]:
    """Return the query for the ids of the jobs that lack the value of the order."""
    query = select(Job.id).where(*conditions)
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
