"""Routes that list and count jobs."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.access.ownership_parameters import OwnershipDep
from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from api.http.validation import MAX_REPEATS, ONE_LINE, IdPrefix, PageLimit, UtcTime
from api.jobs.schemas import JobPage, ListedJobView
from models import JobState
from service.jobs import job_read_model, queries
from service.jobs.lists import job_lists, sparklines
from service.jobs.lists.cursors import MAX_CURSOR_LENGTH
from service.jobs.lists.job_order import CREATED_AT, SORT_PATTERN, JobOrder
from service.jobs.queries import JobFilter

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES)

FilterText = Annotated[str, Query(max_length=200, pattern=ONE_LINE)]
_CURSOR_PATTERN = r"^([A-Za-z0-9_-]{21}[AQgw]|[A-Za-z0-9_-]{23,})$"
JobCursor = Annotated[str | None, Query(min_length=22, max_length=MAX_CURSOR_LENGTH, pattern=_CURSOR_PATTERN)]
"""The `next` of the page before in the same order; null for the first page."""


def _parse_filter(
    ownership: OwnershipDep,
    state: Annotated[list[JobState] | None, Query(max_length=MAX_REPEATS)] = None,
    tag: Annotated[list[FilterText] | None, Query(max_length=MAX_REPEATS)] = None,
    name: Annotated[FilterText | None, Query()] = None,
    dataset: Annotated[FilterText | None, Query()] = None,
    created_after: Annotated[UtcTime | None, Query()] = None,
    created_before: Annotated[UtcTime | None, Query()] = None,
    id_prefix: IdPrefix = None,
    sweep: Annotated[UUID | None, Query(description="The sweep that the jobs belong to.")] = None,
    q: Annotated[
        FilterText | None, Query(description="A part of the name, of a tag or of the dataset's name.")
    ] = None,
) -> JobFilter:
    return JobFilter(
        states=tuple(dict.fromkeys(state or ())),
        tags=tuple(dict.fromkeys(tag or ())),
        name=name,
        dataset=dataset,
        created_after=created_after,
        created_before=created_before,
        id_prefix=id_prefix,
        sweep_id=sweep,
        text=q or None,
        ownership=ownership,
    )


def _parse_order(
    sort: Annotated[str, Query(max_length=300, pattern=SORT_PATTERN)] = CREATED_AT,
    order: Literal["asc", "desc"] = "desc",
) -> JobOrder:
    return JobOrder(sort, is_descending=order == "desc")


JobFilterDep = Annotated[JobFilter, Depends(_parse_filter)]


class JobCounts(BaseModel):
    """The number of jobs in each state."""

    queued: int
    running: int
    paused: int
    succeeded: int
    diverged: int
    failed: int
    cancelled: int


@router.get("")
def list_jobs(
    sessions: SessionsDep,
    job_filter: JobFilterDep,
    order: Annotated[JobOrder, Depends(_parse_order)],
    limit: PageLimit = 50,
    cursor: JobCursor = None,
    sparkline: Annotated[FilterText | None, Query(description="A metric, such as `val_loss`.")] = None,
) -> JobPage:
    """List jobs, newest first. Repeat `state` to match any of the states, and `tag` to match all of the tags.

    `created_after` and `created_before` are times; one without a zone is in UTC, and a date alone is its midnight. `q`
    ignores the case of letters. Jobs without the value of `sort` come last in both orders. A `cursor` belongs to the
    `sort` and the `order` of its page. With `sparkline`, each job has up to 40 values of that metric.
    """
    with sessions.read() as session:
        page = job_lists.list_jobs(session, job_filter, order, limit=limit, cursor=cursor)
        jobs_on_page = job_read_model.load_listed_job_details(session, page.items)
        ids = [job.id for job in page.items]
        points = {} if sparkline is None else sparklines.load_sparklines(session, ids, sparkline)
    views = [ListedJobView.with_sparkline(details, points.get(details.job.id)) for details in jobs_on_page]
    return JobPage(items=views, next=page.next)


@router.get("/counts")
def count_jobs(sessions: SessionsDep, job_filter: JobFilterDep) -> JobCounts:
    """Count jobs by state. The filters are those of the list."""
    with sessions.read() as session:
        counts = queries.count_jobs_by_state(session, job_filter)
    return JobCounts.model_validate({state.value: count for state, count in counts.items()})
