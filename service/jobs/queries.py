"""Queries for jobs: get, list and count them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, defer, load_only
from sqlalchemy.orm.interfaces import ORMOption

from models import Job, JobState, JobTag
from service.db import pagination
from service.db.pagination import Page
from service.errors import NotFound
from service.jobs.lists.text_search import build_text_condition
from service.team.ownership.filters import ANY_OWNERSHIP, OwnershipFilter
from service.team.session_scope import ACROSS_PROJECTS

# Built once: every submit runs these statements, and building them takes longer than running them.
_COUNT_BY_QUEUE = (
    select(Job.queue, func.count().label("number"))
    .where(Job.state == bindparam("state"))
    .group_by(Job.queue)
    .execution_options(**ACROSS_PROJECTS)
)

WITHOUT_DOCUMENTS = tuple(
    defer(column, raiseload=True) for column in (Job.spec, Job.warnings, Job.task, Job.evaluation)
)
"""Query options that leave out the columns that may hold megabytes. Access to them raises an error."""
_LISTED_COLUMNS = load_only(
    Job.id,
    Job.project_id,
    Job.owner_id,
    Job.name,
    Job.state,
    Job.reason,
    Job.dataset_id,
    Job.dataset_name,
    Job.dataset_version,
    Job.test_dataset_id,
    Job.test_dataset_name,
    Job.test_dataset_version,
    Job.queue,
    Job.backend,
    Job.priority,
    Job.attempt,
    Job.lost_attempts,
    Job.crashes,
    Job.peak_memory,
    Job.spent_s,
    Job.worker,
    Job.cancel_requested,
    Job.pause_requested,
    Job.finish_after_epochs,
    Job.until_epoch,
    Job.epochs,
    Job.epochs_done,
    Job.retry_of,
    Job.sweep_id,
    Job.trial_number,
    Job.repeat,
    Job.continued_from,
    Job.created_at,
    Job.started_at,
    Job.finished_at,
    raiseload=True,
)
"""The columns that a list of jobs shows. A page of whole rows could take hundreds of megabytes."""


_MAX_CLOCK_DIFFERENCE = timedelta(days=1)
"""Between the clock of the API, which makes the ids, and the clock of the database, which sets `created_at`."""


@dataclass(frozen=True)
class JobFilter:
    """Conditions on the jobs of a list; a condition that is None or empty accepts every job."""

    states: Sequence[JobState] = ()
    tags: Sequence[str] = ()
    name: str | None = None
    dataset: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    id_prefix: str | None = None
    """The first hexadecimal digits of ids."""
    sweep_id: UUID | None = None
    text: str | None = None
    """A part of the name, of a tag or of the name of the dataset, whatever the case of its letters."""
    ownership: OwnershipFilter = ANY_OWNERSHIP


def get_job(session: Session, job_id: UUID, options: Sequence[ORMOption] = ()) -> Job:
    """Return the job.

    Args:
        session: to read from.
        job_id: the job.
        options: query options, such as `WITHOUT_DOCUMENTS`.

    Raises:
        NotFound: there is no job with this id.

    """
    job = session.get(Job, job_id, options=options)
    if job is None:
        raise NotFound("job", job_id)
    return job


def get_job_columns(session: Session, job_id: UUID, *columns: InstrumentedAttribute[Any]) -> Row[*tuple[Any, ...]]:
    """Return some columns of the job, for callers that do not need the whole row.

    Raises:
        NotFound: there is no job with this id.

    """
    row = session.execute(select(*columns).where(Job.id == job_id)).one_or_none()
    if row is None:
        raise NotFound("job", job_id)
    return row


def list_jobs(session: Session, job_filter: JobFilter, *, limit: int, cursor: str | None) -> Page[Job]:
    """Return a page of the jobs that match a filter, newest first, with the columns that a list shows.

    Raises:
        InvalidInput: the cursor does not come from an earlier page.

    """
    # One query per state, because an index has the jobs of one state in order, but not the jobs of several states.
    # The index of owners has the state before the id, too.
    any_state = (None,) if job_filter.ownership.owner_id is None else tuple(JobState)
    conditions = _build_conditions(job_filter)
    ids_by_state = [
        pagination.select_page(
            *_build_id_query(job_filter.tags, state, conditions), limit=limit, cursor=cursor
        ).subquery()
        for state in job_filter.states or any_state
    ]
    page_ids = union_all(*(select(ids) for ids in ids_by_state))
    query = select(Job).options(_LISTED_COLUMNS).where(Job.id.in_(page_ids))
    return pagination.fetch_page(session, query, Job.id, limit=limit, cursor=cursor)


def load_listed_jobs(session: Session, job_ids: Collection[UUID]) -> list[Job]:
    """Load jobs with the columns that a list shows, in the order of their ids; deleted ones are left out."""
    jobs = {job.id: job for job in session.scalars(select(Job).options(_LISTED_COLUMNS).where(Job.id.in_(job_ids)))}
    return [jobs[job_id] for job_id in job_ids if job_id in jobs]


def count_jobs_by_state(session: Session, job_filter: JobFilter) -> dict[JobState, int]:
    """Count the jobs that match a filter by state; every state has a count."""
    query = select(Job.state, func.count().label("number")).where(*build_list_conditions(job_filter))
    counts = {row.state: int(row.number) for row in session.execute(query.group_by(Job.state))}
    return {state: counts.get(state, 0) for state in JobState}


def build_list_conditions(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter, with those of its states and tags."""
    conditions = _build_conditions(job_filter)
    if job_filter.states:
        conditions.append(Job.state.in_(job_filter.states))
    conditions += [Job.id.in_(select(JobTag.job_id).where(JobTag.tag == tag)) for tag in job_filter.tags]
    return conditions


def count_jobs_by_queue(session: Session, state: JobState) -> dict[str, int]:
    """Count the jobs of all projects in a state by queue; queues without such a job are left out."""
    rows = session.execute(_COUNT_BY_QUEUE, {"state": state})
    return {row.queue: int(row.number) for row in rows}


def _build_id_query(
    tags: Sequence[str], state: JobState | None, conditions: Sequence[ColumnElement[bool]]
) -> tuple[Select[UUID], InstrumentedAttribute[UUID]]:
    """Return a query for the ids of the jobs with tags, a state and other conditions, and the column of its order.

    With a tag, the ids come from the index of the first tag, so that its order can be used.
    """
    state_condition = [] if state is None else [Job.state == state]
    if not tags:
        return select(Job.id).where(*state_condition, *conditions), Job.id
    first_tag, *other_tags = tags
    query = select(JobTag.job_id).where(JobTag.tag == first_tag)
    for tag in other_tags:
        other = aliased(JobTag)
        query = query.join(other, (other.job_id == JobTag.job_id) & (other.tag == tag))
    if state_condition or conditions:
        query = query.join(Job, Job.id == JobTag.job_id).where(*state_condition, *conditions)
    return query, JobTag.job_id


def _build_conditions(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter without those of its states and tags."""
    conditions: list[ColumnElement[bool]] = []
    if job_filter.name is not None:
        conditions.append(Job.name == job_filter.name)
    if job_filter.dataset is not None:
        conditions.append(Job.dataset_name == job_filter.dataset)
    if job_filter.created_after is not None:
        conditions += [
            Job.created_at >= job_filter.created_after,
            Job.id >= _build_id_bound(job_filter.created_after, -_MAX_CLOCK_DIFFERENCE),
        ]
    if job_filter.created_before is not None:
        conditions += [
            Job.created_at < job_filter.created_before,
            Job.id < _build_id_bound(job_filter.created_before, _MAX_CLOCK_DIFFERENCE),
        ]
    if job_filter.id_prefix is not None:
        conditions.append(Job.id.between(*pagination.compute_id_range(job_filter.id_prefix)))
    if job_filter.sweep_id is not None:
        conditions.append(Job.sweep_id == job_filter.sweep_id)
    if job_filter.text is not None:
        conditions.append(build_text_condition(job_filter.text))
    return conditions + job_filter.ownership.build_conditions(Job)


def _build_id_bound(timestamp: datetime, margin: timedelta) -> UUID:
    """Return the smallest UUIDv7 of a time plus a margin, so that a query reads a range of ids."""
    seconds = timestamp.timestamp() + margin.total_seconds()
    milliseconds = min(max(0, int(seconds * 1000)), 2**48 - 1)
    return UUID(int=milliseconds << 80)


def lock_job(session: Session, job_id: UUID, options: Sequence[ORMOption] = ()) -> Job:
    """Return the job, locked until the transaction ends.

    Args:
        session: in a transaction that may write.
        job_id: the job.
        options: query options, such as `WITHOUT_DOCUMENTS`.

    Raises:
        NotFound: there is no job with this id.

    """
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True, options=options)
    if job is None:
        raise NotFound("job", job_id)
    return job
