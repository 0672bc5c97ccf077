"""The queue over HTTP: pause, resume, retry, priorities, and what a job says of its place. Nobody trains here."""

import pytest
from sqlalchemy import update

from models import Checkpoint, Job, JobState
from service.db.database import now
from service.jobs import lifecycle
from tests import runs
from tests.factories import beat, iris_spec, registration


@pytest.fixture
def submit(client):
    def submit(**changes):
        response = client.post("/v1/jobs", json=iris_spec(**changes))
        assert response.status_code == 201, response.text
        return response.json()

    return submit


def path(job, what=""):
    return f"/v1/jobs/{job['id']}{what}"


def refused(response):
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_job_is_paused_and_resumed(client, submit):
    job = submit()
    paused = client.post(path(job, "/pause"))
    assert (paused.status_code, paused.json()["state"], paused.json()["queue_position"]) == (202, "paused", None)
    assert paused.json()["waiting"]["code"] == "paused"
    assert client.post(path(job, "/pause")).json() == paused.json()
    resumed = client.post(path(job, "/resume"))
    assert (resumed.status_code, resumed.json()["state"], resumed.json()["queue_position"]) == (202, "queued", 0)
    assert client.post(path(job, "/resume")).json() == resumed.json()


def test_a_job_that_runs_says_that_it_is_about_to_be_paused(client, sessions, submit):
    job = submit()
    runs.claim(sessions)
    assert client.post(path(job, "/pause")).json()["pause_requested"] is True
    assert client.post(path(job, "/resume")).json()["pause_requested"] is False


def test_what_a_job_s_state_does_not_allow_is_a_conflict(client, submit):
    job = submit()
    assert refused(client.post(path(job, "/retry"))) == (409, "not_finished")
    client.post(path(job, "/cancel"))
    for what in ("/pause", "/resume"):
        assert refused(client.post(path(job, what))) == (409, "already_finished")
    assert refused(client.patch(path(job), json={"priority": 1})) == (409, "already_finished")
    client.delete(path(job))
    for what in ("/pause", "/resume", "/retry", "/cancel"):
        assert refused(client.post(path(job, what))) == (404, "not_found")


def test_a_retry_is_a_new_job_and_with_a_key_one_only(client, submit):
    first = submit(training={"seed": None}, tags=["x"])
    client.post(path(first, "/cancel"))
    answers = [client.post(path(first, "/retry"), headers={"Idempotency-Key": "again"}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {201}
    again = answers[0].json()
    assert answers[1].json()["id"] == again["id"]
    assert client.get(answers[0].headers["Location"]).json()["id"] == again["id"]
    assert (again["retry_of"], again["spec"], again["state"]) == (first["id"], first["spec"], "queued")
    assert (again["tags"], again["name"]) == (["x"], "iris")
    other = submit()
    client.post(path(other, "/cancel"))
    conflict = client.post(path(other, "/retry"), headers={"Idempotency-Key": "again"})
    assert refused(conflict) == (409, "idempotency_key_reused")


def test_a_job_is_changed_and_moves_up(client, submit):
    first, second = submit(), submit(tags=["old"])
    changed = client.patch(path(second), json={"priority": 6, "name": "urgent", "tags": ["b", "a"]}).json()
    assert (changed["priority"], changed["name"], changed["tags"]) == (6, "urgent", ["a", "b"])
    assert (changed["queue_position"], changed["before"]) == (0, [])
    told = client.get(path(first)).json()
    ahead = {"id": second["id"], "name": "urgent", "state": "queued", "priority": 6}
    assert (told["queue_position"], told["before"]) == (1, [ahead])
    assert client.patch(path(second), json={}).json() == changed


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"priority": 10}, "/priority"),
        ({"priority": 2.0}, "/priority"),
        ({"tags": "x"}, "/tags"),
        ({"tags": [""]}, "/tags/0"),
        ({"name": ""}, "/name"),
        ({"state": "succeeded"}, "/state"),
    ],
)
def test_a_wrong_change_is_refused_at_its_place_and_changes_nothing(client, submit, body, pointer):
    job = submit()
    response = client.patch(path(job), json={"name": "other"} | body)
    assert refused(response) == (422, "invalid")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert client.get(path(job)).json()["name"] == "iris"


def test_a_job_says_when_it_will_start(client, sessions, submit):
    submit()
    runs.conclude(sessions, runs.claim(sessions))
    beat(sessions, registration())
    first, second = submit(), submit()
    assert (first["estimated_start"], first["before"]) == (None, None)
    times = [client.get(path(job)).json()["estimated_start"] for job in (first, second)]
    assert times[0] < times[1]
    listed = {job["id"]: job for job in client.get("/v1/jobs", params={"state": "queued"}).json()["items"]}
    assert all(listed[job["id"]]["estimated_start"] for job in (first, second))


def test_a_job_says_what_befell_it_and_where_it_would_go_on(client, sessions, submit):
    job = submit()
    claimed = runs.claim(sessions)
    details = {"signal": "SIGSEGV", "last_epoch": 7, "peak_memory": 2**30, "estimate": None}
    with sessions.begin() as session:
        why = lifecycle.reason("crashed", "It crashed.", **details)
        lifecycle.move(session, claimed.job_id, to=JobState.FAILED, from_=[JobState.RUNNING], why=why)
        values = {"crashes": 3, "lost_attempts": 1, "peak_memory": 2**30}
        session.execute(update(Job).where(Job.id == claimed.job_id).values(values))
        written = {"sha256": "0" * 64, "bytes": 1, "attempt": 1, "epoch": 7, "step": 12, "created_at": now(session)}
        session.merge(Checkpoint(job_id=claimed.job_id, **written))
    told = client.get(path(job)).json()
    assert (told["crashes"], told["lost_attempts"], told["peak_memory"]) == (3, 1, 2**30)
    assert {name: told["reason"][name] for name in details} == details
    assert (told["checkpoint"]["epoch"], told["checkpoint"]["step"]) == (7, 12)
    assert told["checkpoint"]["at"].endswith("Z")
