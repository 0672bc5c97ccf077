"""Streams of jobs that have ended; `tests/client/test_events.py` has those that go on."""

import asyncio
import json

import pytest

from api.jobs.event_broadcaster import Feeds
from api.jobs.events import write
from service.db.ids import new_id
from service.results.job_events import Position
from tests import runs
from tests.factories import submit


@pytest.fixture
def ended(sessions):
    """The path of the stream of a job with three epochs."""
    job = submit(sessions)
    claimed = runs.claim(sessions)
    runs.record(sessions, claimed, range(3))
    runs.conclude(sessions, claimed)
    return f"/v1/jobs/{job.id}/events"


def events(text):
    """The id, kind and data of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def test_a_stream_is_the_job_s_whole_life_and_then_ends(client, ended):
    response = client.get(ended)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-cache"
    told = events(response.text)
    assert [(number, kind) for number, kind, _ in told] == [
        ("1.0", "state"),
        ("2.0", "state"),
        ("2.3", "epochs"),
        ("3.3", "state"),
    ]
    states = [data for _, kind, data in told if kind == "state"]
    assert [(data["number"], data["from"], data["to"]) for data in states] == [
        (1, None, "queued"),
        (2, "queued", "running"),
        (3, "running", "succeeded"),
    ]
    assert told[2][2] == {"epochs": [0, 1, 2], "metrics": {"loss": [0.0, 1.0, 2.0]}, "nonfinite": {}}


def test_a_stream_goes_on_after_the_last_event(client, ended):
    whole = events(client.get(ended).text)
    for place, (number, _, _) in enumerate(whole[:-1]):
        assert events(client.get(ended, headers={"Last-Event-ID": number}).text) == whole[place + 1 :]


def test_where_nothing_more_will_come_a_browser_is_told_so(client, ended):
    response = client.get(ended, headers={"Last-Event-ID": "3.3"})
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "x", "1", "1.-1", "1.2.3", "9999999999.0", "1.²"])
def test_an_id_that_was_never_given_is_refused(client, ended, last):
    response = client.get(ended, headers={"Last-Event-ID": last.encode()})
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_a_job_that_is_not_there_has_no_stream(client):
    assert client.get(f"/v1/jobs/{new_id()}/events").status_code == 404


def test_those_who_come_at_once_share_a_reading_and_the_next_finds_what_is_new(sessions):
    job = submit(sessions)
    read = []
    feeds = Feeds(sessions, lambda news: read.append(news) or write(news))

    async def come(listeners):
        looks = [asyncio.ensure_future(feeds.look(job.id, Position())) for _ in range(listeners)]
        await asyncio.sleep(0)
        looks[0].cancel()  # who asked first goes away
        return await asyncio.gather(*looks[1:])

    before = asyncio.run(come(20))
    runs.claim(sessions)
    after = asyncio.run(come(20))
    assert len(read) == 2
    assert {batch.position for batch in before} == {Position(1, 0)}
    assert {batch.position for batch in after} == {Position(2, 0)}


def test_a_crowd_that_comes_at_once_lets_others_have_their_turn(sessions):
    feeds, begun = Feeds(sessions, write), []

    async def begin(number):
        await feeds.turn()
        begun.append(number)

    async def crowd():
        beginning = [asyncio.ensure_future(begin(number)) for number in range(50)]
        await asyncio.sleep(0)  # the others' turn
        assert len(begun) < 50
        await asyncio.gather(*beginning)

    asyncio.run(crowd())
    assert begun == list(range(50))
