"""Event streams of jobs that have ended; `tests/client/test_events.py` has those of running jobs."""

import asyncio
import json
import math
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from api.access.stream_watch import StreamAccess, watch_stream
from api.jobs.event_broadcaster import EventBroadcaster
from api.jobs.events import encode_events, router
from api.jobs.stream_limiter import StreamLimiter
from service.db.ids import new_id
from service.errors import TooManyRequests
from service.jobs import attempts
from service.jobs.attempts import EpochMetrics
from service.results.job_events import SLICE_BYTES, EventPosition
from service.team.principal import IMPLICIT_ADMIN
from tests import attempt_factories
from tests.factories import submit_job


@pytest.fixture
def stream_path(sessions):
    """The path of the event stream of a finished job with three epochs."""
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(3))
    attempt_factories.conclude_attempt(sessions, claimed)
    return f"/v1/jobs/{job.id}/events"


def parse_stream(text):
    """Return the id, kind and data of each event."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            events.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return events


def test_a_stream_has_all_events_of_the_job_and_then_ends(client, stream_path):
    response = client.get(stream_path)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-cache"
    events = parse_stream(response.text)
    assert [(number, kind) for number, kind, _ in events] == [
        ("1.0", "state"),
        ("2.0", "state"),
        ("2.3", "epochs"),
        ("3.3", "state"),
    ]
    states = [data for _, kind, data in events if kind == "state"]
    assert [(data["number"], data["from"], data["to"]) for data in states] == [
        (1, None, "queued"),
        (2, "queued", "running"),
        (3, "running", "succeeded"),
    ]
    assert events[2][2] == {"epochs": [0, 1, 2], "metrics": {"loss": [0.0, 1.0, 2.0]}, "nonfinite": {}}


def test_a_stream_continues_after_the_last_event_id(client, stream_path):
    whole = parse_stream(client.get(stream_path).text)
    for index, (event_id, _, _) in enumerate(whole[:-1]):
        assert parse_stream(client.get(stream_path, headers={"Last-Event-ID": event_id}).text) == whole[index + 1 :]


def test_after_the_last_event_the_answer_is_empty(client, stream_path):
    response = client.get(stream_path, headers={"Last-Event-ID": "3.3"})
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "x", "1", "1.-1", "1.2.3", "9999999999.0", "1.²"])
def test_an_invalid_event_id_is_refused(client, stream_path, last):
    response = client.get(stream_path, headers={"Last-Event-ID": last.encode()})
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_a_missing_job_has_no_stream(client):
    assert client.get(f"/v1/jobs/{new_id()}/events").status_code == 404


def test_concurrent_listeners_share_one_read_and_the_next_read_has_the_new_events(sessions):
    job = submit_job(sessions)
    reads = []
    broadcaster = EventBroadcaster(sessions, lambda batch: reads.append(batch) or encode_events(batch))

    async def fetch_together(listeners):
        fetches = [asyncio.ensure_future(broadcaster.fetch_events(job.id, EventPosition())) for _ in range(listeners)]
        await asyncio.sleep(0)
        fetches[0].cancel()  # the listener that started the read disconnects
        return await asyncio.gather(*fetches[1:])

    before = asyncio.run(fetch_together(20))
    attempt_factories.claim_job(sessions)
    after = asyncio.run(fetch_together(20))
    assert len(reads) == 2
    assert {batch.position for batch in before} == {EventPosition(1, 0)}
    assert {batch.position for batch in after} == {EventPosition(2, 0)}


def test_many_starting_streams_let_other_tasks_run(sessions):
    broadcaster, started = EventBroadcaster(sessions, encode_events), []

    async def start_stream(number):
        await broadcaster.throttle_start()
        started.append(number)

    async def start_streams():
        tasks = [asyncio.ensure_future(start_stream(number)) for number in range(50)]
        await asyncio.sleep(0)  # lets the other tasks run
        assert len(started) < 50
        await asyncio.gather(*tasks)

    asyncio.run(start_streams())
    assert started == list(range(50))


METRICS = [f"metric_{number}" for number in range(16)]


@pytest.fixture
def long_job(sessions):
    """A job with 2,000 epochs of 16 metrics, which has ended."""
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    rows = [EpochMetrics(epoch, [math.pi * epoch] * len(METRICS)) for epoch in range(2000)]
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, METRICS, rows, {})
    attempt_factories.conclude_attempt(sessions, claimed)
    return job.id


def test_streams_share_slices_of_bounded_size(sessions, long_job):
    reads = []
    broadcaster = EventBroadcaster(sessions, lambda batch: reads.append(batch) or encode_events(batch))

    async def read_slices():
        batches = [await broadcaster.fetch_events(long_job, EventPosition())]
        while batches[-1].has_more:
            batches.append(await broadcaster.fetch_events(long_job, batches[-1].position))
        return batches

    first, second = asyncio.run(read_slices()), asyncio.run(read_slices())
    assert len(first) > 10
    assert max(len(batch.text) for batch in first) <= SLICE_BYTES
    assert all(a.text is b.text for a, b in zip(first, second, strict=True) if a.has_more)
    assert len(reads) == len(first) + 1, "only the last slice, which may grow, is read again"


def test_a_long_history_arrives_whole(client, long_job):
    events = parse_stream(client.get(f"/v1/jobs/{long_job}/events").text)
    epochs = [epoch for _, kind, data in events if kind == "epochs" for epoch in data["epochs"]]
    assert epochs == list(range(2000))
    assert events[-1][2]["to"] == "succeeded"


@pytest.mark.parametrize("bound", ["max_event_streams", "max_client_event_streams"])
def test_streams_beyond_a_bound_are_refused_until_one_ends(settings, make_client, stream_path, bound):
    client = make_client(settings.model_copy(update={bound: 1}))
    limiter = client.app.state.stackyard.stream_limiter
    address = "testclient"
    with limiter.hold_slot(address):
        response = client.get(stream_path)
    assert (response.status_code, response.json()["code"]) == (429, "too_many_streams")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"]
    assert [client.get(stream_path).status_code for _ in range(3)] == [200, 200, 200]


def test_a_client_at_its_bound_does_not_keep_others_from_streaming():
    limiter = StreamLimiter(max_streams=3, max_client_streams=2)
    with limiter.hold_slot("a"), limiter.hold_slot("a"):
        with pytest.raises(TooManyRequests), limiter.hold_slot("a"):
            pass
        with limiter.hold_slot("b"), pytest.raises(TooManyRequests), limiter.hold_slot("c"):
            pass


def test_a_stream_that_is_not_read_holds_only_a_slice(sessions, long_job):
    """A client that reads nothing: the next slice is not read before the one before has been sent."""
    reads = []
    broadcaster = EventBroadcaster(sessions, lambda batch: reads.append(batch) or encode_events(batch))
    limiter = StreamLimiter(1, 1)
    app = FastAPI()
    app.state.stackyard = SimpleNamespace(event_broadcaster=broadcaster, stream_limiter=limiter)
    app.include_router(router)
    app.dependency_overrides[watch_stream] = lambda: StreamAccess(IMPLICIT_ADMIN, had_users=False)
    sent = []

    async def send_until_stuck(message):
        sent.append(len(message.get("body", b"")))
        if sum(sent) > SLICE_BYTES // 2:
            await asyncio.Event().wait()

    async def disconnect_later():
        await asyncio.sleep(0.2)  # time in which the stream could read further
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v1/jobs/{long_job}/events",
        "query_string": b"",
        "headers": [],
        "client": ("a", 1),
        "app": app,
    }
    asyncio.run(app(scope, disconnect_later, send_until_stuck))
    assert len(reads) == 1
    assert sum(sent) <= SLICE_BYTES + 100
    with limiter.hold_slot("a"):
        pass  # the slot of the stream is free again
