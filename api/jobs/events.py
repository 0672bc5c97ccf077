"""Route of a job's events, as server-sent events."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from api.access.stream_watch import StreamAccess, StreamAccessDep
from api.app_state import EventBroadcasterDep
from api.http.problem_documents import RESPONSES
from api.jobs.event_broadcaster import EventBatch, EventBroadcaster
from api.jobs.history import HistoryView
from api.jobs.schemas import TransitionView
from api.jobs.stream_responses import RETRY_MS, STREAM_HEADERS, STREAM_RESPONSES, hold_stream_slot, split_text
from models import Transition
from service.errors import NotFound
from service.results.job_events import EventPosition, JobEvent, JobEventBatch

_STREAM: dict[int | str, dict[str, Any]] = STREAM_RESPONSES | {
    204: {"description": "The job has ended, and the client has all of its events."}
}

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES | _STREAM)


class StateView(TransitionView):
    """A transition of the job, numbered from 1."""

    number: int


@router.get(
    "/{job_id}/events",
    response_class=Response,  # a stream, or 204 without a body
    dependencies=[Depends(hold_stream_slot)],
)
async def follow_job(
    job_id: UUID,
    broadcaster: EventBroadcasterDep,
    access: StreamAccessDep,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,9}\.[0-9]{1,9}$")] = None,
) -> Response:
    """Stream the events of a job until it ends, from its start or after the event `Last-Event-ID`.

    A `state` event is a transition. An `epochs` event has the epochs recorded since the event before, in columns as
    in `/history`. After a `state` event that starts another attempt, the epochs start from the first again, including
    those from a checkpoint. A `deleted` event says that the job was deleted. The id of an event is the number of
    transitions and the number of epochs up to it.
    """
    first = await broadcaster.fetch_events(job_id, _parse_position(last_event_id))
    if first.ended and not first.text:
        return Response(status_code=204)  # tells an EventSource not to reconnect
    await broadcaster.throttle_start()
    return EventSourceResponse(_stream_events(broadcaster, job_id, first, access), headers=STREAM_HEADERS)


def encode_events(news: JobEventBatch) -> bytes:
    """Return events in the format of server-sent events."""
    return b"".join(_encode_event(event) for event in news.events)


async def _stream_events(
    broadcaster: EventBroadcaster, job_id: UUID, first: EventBatch, access: StreamAccess
) -> AsyncGenerator[bytes | memoryview]:
    yield format_sse_event(retry=RETRY_MS)
    for part in split_text(first.text):
        yield part
    if first.ended:
        return
    try:
        async for batch in broadcaster.follow_job(job_id, first.position, lambda: access.is_ended):
            for part in split_text(KEEPALIVE_COMMENT if batch is None else batch.text):
                yield part
    except NotFound:
        yield format_sse_event(event="deleted", data_str="{}")


def _encode_event(event: JobEvent) -> bytes:
    event_id = f"{event.position.transitions}.{event.position.epochs}"
    if isinstance(event.content, Transition):
        transition = StateView.model_validate({name: getattr(event.content, name) for name in StateView.model_fields})
        return format_sse_event(event="state", id=event_id, data_str=transition.model_dump_json(by_alias=True))
    return format_sse_event(event="epochs", id=event_id, data_str=HistoryView.of(event.content).model_dump_json())


def _parse_position(event_id: str | None) -> EventPosition:
    transitions, _, epochs = (event_id or "0.0").partition(".")
    return EventPosition(int(transitions), int(epochs))
