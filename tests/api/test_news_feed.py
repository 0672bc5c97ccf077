"""The feed of news with many streams; `tests/client/test_all_events.py` has it over real HTTP."""

import asyncio
import json

import pytest
from sqlalchemy import event

from api.events.event_ring import EventRing
from api.events.news_feed import NewsFeed
from api.events.routes import encode_news
from service.db.ids import new_id
from tests import attempt_factories
from tests.factories import submit_job

POLL_S = 0.05


@pytest.mark.parametrize("last", ["", "x", "1", "0123abcd-", "0123abcd--1", "0123abcd-1234567890123456", "0123ABCD-1"])
def test_an_invalid_event_id_is_refused(client, last):
    for options in ({"headers": {"Last-Event-ID": last.encode()}}, {"params": {"last_event_id": last}}):
        response = client.get("/v1/events", **options)
        assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_too_many_or_invalid_jobs_are_refused(client):
    for jobs in ([str(new_id()) for _ in range(51)], ["guess"]):
        response = client.get("/v1/events", params={"job": jobs})
        assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_streams_beyond_a_bound_are_refused(settings, make_client):
    client = make_client(settings.model_copy(update={"max_event_streams": 1}))
    with client.app.state.stackyard.stream_limiter.hold_slot("other"):
        response = client.get("/v1/events")
    assert (response.status_code, response.json()["code"]) == (429, "too_many_streams")
    assert response.headers["Retry-After"]


def parse(text):
    fields = dict(line.split(": ", 1) for line in text.decode().strip().splitlines())
    return fields["id"], fields["event"], json.loads(fields["data"])


async def read_until(stream, name):
    """Return the id and data of the next event with this name."""
    async with asyncio.timeout(20):
        async for text in stream:
            event_id, kind, data = parse(text)
            if kind == name:
                return event_id, data
    raise AssertionError(f"the stream ended without {name}")


def test_two_hundred_streams_share_a_few_queries(either_sessions):
    """Streams of pages that all show the list, and half of them one of four running jobs."""
    statements = []
    engine = either_sessions.engine if either_sessions.engine.name == "postgresql" else either_sessions._read_engine
    jobs = [submit_job(either_sessions).id for _ in range(6)]
    claims = [attempt_factories.claim_job(either_sessions) for _ in range(4)]
    looks = []

    def encode(news, epochs, sweeps):
        looks.append(len(statements))
        return encode_news(news, epochs, sweeps)

    async def run():
        feed = NewsFeed(either_sessions, encode, poll_interval_s=POLL_S)
        streams = [feed.stream_events({jobs[index % 8]} if index % 8 < 4 else (), None) for index in range(200)]
        await asyncio.gather(*(read_until(stream, "start") for stream in streams))
        event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        looks.clear()
        for claimed in claims:
            await asyncio.to_thread(attempt_factories.record_epochs, either_sessions, claimed, range(3))
        seen = await asyncio.gather(*(read_until(stream, "jobs") for stream in streams))
        assert all(data["changed"] for _, data in seen)
        followers = [stream for index, stream in enumerate(streams) if index % 8 < 4]
        epochs = await asyncio.gather(*(read_until(stream, "epochs") for stream in followers))
        assert {data["job"] for _, data in epochs} == {str(job_id) for job_id in jobs[:4]}
        for stream in streams:
            await stream.aclose()
        feed.close()

    asyncio.run(run())
    own_statements = 60  # at most: the test records epochs meanwhile
    assert len(statements) <= own_statements + 20 * len(looks), "the number does not depend on that of the streams"


def test_a_stream_continues_after_the_last_event_id(sessions):
    async def run():
        feed = NewsFeed(sessions, encode_news, poll_interval_s=POLL_S)
        stream = feed.stream_events((), None)
        start_id, _ = await read_until(stream, "start")
        first = await asyncio.to_thread(submit_job, sessions)
        first_id, data = await read_until(stream, "jobs")
        assert [job["id"] for job in data["changed"]] == [str(first.id)]
        await stream.aclose()
        second = await asyncio.to_thread(submit_job, sessions)
        stream = feed.stream_events((), first_id)
        assert await anext(stream) == feed_start(first_id)
        _, data = await read_until(stream, "jobs")
        assert [job["id"] for job in data["changed"]] == [str(second.id)]
        await stream.aclose()
        stream = feed.stream_events((), start_id)
        await read_until(stream, "start")
        _, data = await read_until(stream, "jobs")
        assert [job["id"] for job in data["changed"]] == [str(first.id)]
        await stream.aclose()
        feed.close()

    def feed_start(event_id):
        return f"event: start\ndata: {{}}\nid: {event_id}\n\n".encode()

    asyncio.run(run())


def test_the_id_of_another_process_leads_to_a_reset(sessions):
    async def run():
        feed = NewsFeed(sessions, encode_news, poll_interval_s=POLL_S)
        stream = feed.stream_events((), "0123abcd-7")
        start_id, _ = await read_until(stream, "start")
        reset_id, _ = await read_until(stream, "reset")
        assert start_id == reset_id != "0123abcd-7"
        await stream.aclose()
        feed.close()

    asyncio.run(run())


def test_epochs_of_a_job_that_is_chosen_later_overlap_with_what_the_page_loaded(sessions):
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(5))

    async def run():
        feed = NewsFeed(sessions, encode_news, poll_interval_s=POLL_S)
        stream = feed.stream_events((), None)
        last_id, _ = await read_until(stream, "start")
        await stream.aclose()
        stream = feed.stream_events({job.id}, last_id)
        _, data = await read_until(stream, "epochs")
        assert (data["from_epoch"], data["history"]["epochs"]) == (0, [0, 1, 2, 3, 4])
        await asyncio.to_thread(attempt_factories.record_epochs, sessions, claimed, range(5, 7))
        _, data = await read_until(stream, "epochs")
        assert (data["from_epoch"], data["history"]["epochs"]) == (5, [5, 6])
        await stream.aclose()
        feed.close()

    asyncio.run(run())


def test_after_a_failed_look_all_streams_load_anew(sessions):
    failing = []

    def encode(news, epochs, sweeps):
        if failing:
            raise RuntimeError(failing.pop())
        return encode_news(news, epochs, sweeps)

    async def run():
        feed = NewsFeed(sessions, encode, poll_interval_s=POLL_S)
        stream = feed.stream_events((), None)
        await read_until(stream, "start")
        failing.append("once")
        await read_until(stream, "reset")
        await stream.aclose()
        feed.close()

    asyncio.run(run())


def test_a_ring_keeps_only_the_newest_events():
    ring = EventRing(max_bytes=500)
    for number in range(20):
        ring.add("jobs", json.dumps({"number": number}))
    assert not ring.has_all_after(0)
    assert ring.parse_id(ring.format_id(1)) is None
    kept = ring.get_next(0)
    assert kept is not None
    assert kept.number > 10
    assert ring.parse_id(ring.format_id(kept.number)) == kept.number
    assert ring.get_next(20) is None
    assert ring.parse_id(ring.format_id(21)) is None
