"""What all routes with event streams share: their headers, their documentation, and the slots that they hold."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

from fastapi import Request

from api.app_state import get_app_state
from api.http.problem_documents import MEDIA_TYPE, ProblemView
from service.results.job_events import SLICE_BYTES

RETRY_MS = 1000
"""How long a client waits before it connects again."""
_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A server-sent event. Its data is JSON.",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
STREAM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The events.", "content": {"text/event-stream": {"itemSchema": _EVENT_SCHEMA}}},
    429: {"model": ProblemView, "content": {MEDIA_TYPE: {}}, "description": "Too many event streams are open."},
}
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""They keep proxies from buffering events."""


async def hold_stream_slot(request: Request) -> AsyncGenerator[None]:
    """Count a stream until its response has been sent, or its client has gone."""
    client = request.client.host if request.client else ""
    with get_app_state(request).stream_limiter.hold_slot(client):
        yield


def split_text(text: bytes) -> Iterator[memoryview]:
    """Yield parts of a text that all streams share. Between two parts, the server waits for a slow client."""
    view = memoryview(text)
    for start in range(0, len(view), SLICE_BYTES):
        yield view[start : start + SLICE_BYTES]
