"""Route of `/v1/events`: what changes in all jobs, and the new epochs of chosen jobs, as server-sent events."""

from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.access.authorization import PrincipalDep
from api.access.stream_watch import StreamAccessDep
from api.app_state import NewsFeedDep, SessionsDep
from api.events.news_feed import EncodedNews
from api.http.problem_documents import RESPONSES
from api.http.validation import MAX_REPEATS
from api.jobs.history import HistoryView
from api.jobs.schemas import JobSummaryView
from api.jobs.stream_responses import RETRY_MS, STREAM_HEADERS, STREAM_RESPONSES, hold_stream_slot, split_text
from api.sweeps.schemas import SweepSummaryView
from service.db.database import SessionFactory
from service.jobs import queries
from service.results.epoch_news import EpochNews
from service.results.job_news import JobNews
from service.sweeps.sweep_news import SweepNews

_EVENT_ID = r"^[0-9a-f]{8}-[0-9]{1,15}$"

router = APIRouter(prefix="/v1/events", tags=["jobs"], responses=RESPONSES | STREAM_RESPONSES)


class JobsEventView(BaseModel):
    """The data of a `jobs` event: jobs that were created or changed, and the ids of deleted ones."""

    changed: list[JobSummaryView]
    deleted: list[UUID]


class SweepsEventView(BaseModel):
    """The data of a `sweeps` event: sweeps that were created or changed, and the ids of deleted ones."""

    changed: list[SweepSummaryView]
    deleted: list[UUID]


class EpochsEventView(BaseModel):
    """The data of an `epochs` event. The epochs replace all that the client has of the job from `from_epoch` on."""

    job: UUID
    from_epoch: int
    history: HistoryView


@router.get("", response_class=Response, dependencies=[Depends(hold_stream_slot)])
async def follow_all_jobs(
    feed: NewsFeedDep,
    principal: PrincipalDep,
    access: StreamAccessDep,
    sessions: SessionsDep,
    job: Annotated[
        list[UUID] | None, Query(max_length=MAX_REPEATS, description="A job whose epochs the stream has, too.")
    ] = None,
    last_event_id: Annotated[
        str | None, Query(pattern=_EVENT_ID, description="As the header, for a browser that cannot set it.")
    ] = None,
    header: Annotated[str | None, Header(alias="Last-Event-ID", pattern=_EVENT_ID)] = None,
) -> Response:
    """Stream changes of all jobs, at most one `jobs` event a second, and the new epochs of the chosen jobs.

    The first event is `start`. A client loads its lists and histories after it, or continues after `Last-Event-ID`.
    A `jobs` event has the changed jobs as in a list, and the ids of deleted ones; a `sweeps` event has the same of
    sweeps. An `epochs` event has new epochs of
    a chosen job, which replace those that the client has from `from_epoch` on. After `reset`, the client must load
    everything again: the server has restarted, or dropped events. The stream does not end by itself.
    """
    job_ids = frozenset(job or ())
    if principal.visible_projects is not None:
        job_ids = await run_in_threadpool(_select_visible_jobs, sessions, job_ids)
    events = feed.stream_events(job_ids, header or last_event_id, principal.visible_projects, lambda: access.is_ended)
    return EventSourceResponse(_stream_events(events), headers=STREAM_HEADERS)


def encode_news(news: JobNews, epochs: Sequence[EpochNews], sweeps: SweepNews) -> Sequence[EncodedNews]:
    """Return the events of news."""
    return [*_encode_job_news(news), *_encode_sweep_news(sweeps), *(_encode_epochs(item) for item in epochs)]


def _select_visible_jobs(sessions: SessionFactory, job_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return the jobs among these that the principal of the sessions sees; others look like jobs that do not exist."""
    with sessions.read() as session:
        return frozenset(job.id for job in queries.load_listed_jobs(session, job_ids))


async def _stream_events(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes | memoryview]:
    yield format_sse_event(retry=RETRY_MS)
    async for text in events:
        for part in split_text(text):
            yield part


def _encode_job_news(news: JobNews) -> Iterator[EncodedNews]:
    if news.overflow:
        yield EncodedNews("reset", "{}")
    for project_id in {details.job.project_id for details in news.changed} | {job.project_id for job in news.deleted}:
        view = JobsEventView(
            changed=[JobSummaryView.of(details) for details in news.changed if details.job.project_id == project_id],
            deleted=[job.id for job in news.deleted if job.project_id == project_id],
        )
        yield EncodedNews("jobs", view.model_dump_json(by_alias=True), project_id=project_id)


def _encode_sweep_news(news: SweepNews) -> Iterator[EncodedNews]:
    for project_id in {item.sweep.project_id for item in news.changed} | {project for _, project in news.deleted}:
        view = SweepsEventView(
            changed=[SweepSummaryView.of(item) for item in news.changed if item.sweep.project_id == project_id],
            deleted=[sweep_id for sweep_id, project in news.deleted if project == project_id],
        )
        yield EncodedNews("sweeps", view.model_dump_json(), project_id=project_id)


def _encode_epochs(news: EpochNews) -> EncodedNews:
    view = EpochsEventView(job=news.job_id, from_epoch=news.from_epoch, history=HistoryView.of(news.history))
    return EncodedNews("epochs", view.model_dump_json(), news.job_id)
