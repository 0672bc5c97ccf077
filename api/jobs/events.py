"""What happens to a job, while it happens: server-sent events."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from api.app_state import FeedsDep
from api.http.problem_documents import RESPONSES
from api.jobs.event_broadcaster import Batch, Feeds
from api.jobs.history import HistoryView
from api.jobs.schemas import TransitionView
from models import Transition
from service.errors import NotFound
from service.results.job_events import Event, News, Position

_RETRY_MS = 1000
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    204: {"description": "There will be no more events than the client has."},
}
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No proxy may keep events to itself."""

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES | _STREAM)


class StateView(TransitionView):
    """A step in the job's life, numbered from 1."""

    number: int


@router.get("/{job_id}/events", response_class=Response)  # a stream, or nothing
async def follow_job(
    job_id: UUID,
    feeds: FeedsDep,
    last: Annotated[str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,9}\.[0-9]{1,9}$")] = None,
) -> Response:
    """Stream what happens to a job until it has ended, from its beginning or after the event `Last-Event-ID`.

    `state` events are its transitions, and `epochs` events the epochs that were recorded since the one before, as
    columns like those of `/history`. After the `state` by which another attempt began the epochs come from the first
    again, those that it has from a checkpoint among them. `deleted` says that the job is gone. An event's id is the
    number of transitions up to it, and that of epochs.
    """
    first = await feeds.look(job_id, _position(last))
    if first.ended and not first.text:
        return Response(status_code=204)  # by which an EventSource knows not to come again
    await feeds.turn()
    return EventSourceResponse(_stream(feeds, job_id, first), headers=_HEADERS)


def write(news: News) -> bytes:
    """News as server-sent events."""
    return b"".join(_written(event) for event in news.events)


async def _stream(feeds: Feeds, job_id: UUID, first: Batch) -> AsyncGenerator[bytes]:
    yield format_sse_event(retry=_RETRY_MS) + first.text
    if first.ended:
        return
    try:
        async for batch in feeds.follow(job_id, first.position):
            yield KEEPALIVE_COMMENT if batch is None else batch.text
    except NotFound:
        yield format_sse_event(event="deleted", data_str="{}")


def _written(event: Event) -> bytes:
    number = f"{event.position.transitions}.{event.position.epochs}"
    if isinstance(event.content, Transition):
        step = StateView.model_validate({name: getattr(event.content, name) for name in StateView.model_fields})
        return format_sse_event(event="state", id=number, data_str=step.model_dump_json(by_alias=True))
    return format_sse_event(event="epochs", id=number, data_str=HistoryView.of(event.content).model_dump_json())


def _position(last: str | None) -> Position:
    transitions, _, epochs = (last or "0.0").partition(".")
    return Position(int(transitions), int(epochs))
