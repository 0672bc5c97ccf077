"""The queue over HTTP: pause, resume, retry, priorities and positions. No worker runs."""

import pytest
from sqlalchemy import update

from models import Checkpoint, Job, JobState
from service.db.database import get_current_time
from service.jobs import lifecycle
from tests import attempt_factories
from tests.factories import build_registration, record_heartbeat


def build_path(job, suffix=""):
    return f"/v1/jobs/{job['id']}{suffix}"


def get_refusal(response):
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_job_is_paused_and_resumed(client, submit):
    job = submit()
    paused = client.post(build_path(job, "/pause"))
    assert (paused.status_code, paused.json()["state"], paused.json()["queue_position"]) == (202, "paused", None)
    assert paused.json()["waiting"]["code"] == "paused"
    assert client.post(build_path(job, "/pause")).json() == paused.json()
    resumed = client.post(build_path(job, "/resume"))
    assert (resumed.status_code, resumed.json()["state"], resumed.json()["queue_position"]) == (202, "queued", 0)
    assert client.post(build_path(job, "/resume")).json() == resumed.json()


def test_a_running_job_reports_a_requested_pause(client, sessions, submit):
    job = submit()
    attempt_factories.claim_job(sessions)
    assert client.post(build_path(job, "/pause")).json()["pause_requested"] is True
    assert client.post(build_path(job, "/resume")).json()["pause_requested"] is False


def test_a_job_that_has_not_trained_cannot_be_finished_and_a_running_one_reports_the_request(client, sessions, submit):
    job = submit()
    assert get_refusal(client.post(build_path(job, "/finish"))) == (409, "not_started")
    attempt_factories.claim_job(sessions)
    answers = [client.post(build_path(job, "/finish")) for _ in range(2)]
    assert [(answer.status_code, answer.json()["finish_requested"]) for answer in answers] == [(202, True)] * 2
    assert get_refusal(client.post(build_path(job, "/pause"))) == (409, "finish_requested")


def test_a_job_is_resumed_to_another_until_epoch_and_then_to_its_end(client, sessions, submit):
    job = submit(run={"until_epoch": 1})
    assert (job["until_epoch"], job["continued_from"]) == (1, None)
    attempt_factories.stop_at_until_epoch(sessions, attempt_factories.claim_job(sessions), 1)
    held = client.get(build_path(job)).json()
    assert (held["state"], held["reason"]["code"], held["reason"]["epoch"]) == ("paused", "until_epoch", 0)
    assert (held["waiting"]["code"], held["checkpoint"]["epoch"]) == ("until_epoch", 1)
    assert client.get("/v1/jobs").json()["items"][0]["waiting"]["code"] == "until_epoch"
    stays = client.post(build_path(job, "/resume"), json={"until_epoch": 1}).json()
    assert (stays["state"], stays["until_epoch"]) == ("paused", 1)
    resumed = [client.post(build_path(job, "/resume"), json={"until_epoch": 2}).json() for _ in range(2)]
    assert [(again["state"], again["until_epoch"]) for again in resumed] == [("queued", 2)] * 2
    attempt_factories.stop_at_until_epoch(sessions, attempt_factories.claim_job(sessions), 2)
    ended = client.post(build_path(job, "/resume")).json()
    assert (ended["state"], ended["until_epoch"], ended["spec"]["run"]["until_epoch"]) == ("queued", None, None)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/resume", {"until_epoch": 0}, "/until_epoch"),
        ("/resume", {"until_epoch": 4}, "/until_epoch"),
        ("/resume", {"epochs": 4}, "/epochs"),
        ("/resume", [], ""),
        ("/continue", {}, ""),
        ("/continue", {"epochs": "4"}, "/epochs"),
        ("/continue", {"epochs": 4, "more": 1}, "/more"),
    ],
)
def test_an_invalid_number_of_epochs_is_refused_at_its_pointer(client, submit, path, body, pointer):
    refused = client.post(build_path(submit(), path), json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_resume_takes_no_other_body_than_json(client, submit):
    job = submit()
    assert client.post(build_path(job, "/resume"), headers={"Content-Type": "text/plain"}).status_code == 202
    assert client.post(build_path(job, "/resume"), content=b"x").status_code == 415


def test_a_succeeded_job_is_continued_in_a_new_job(client, sessions, submit):
    first = submit(name="short", tags=["x"])
    assert get_refusal(client.post(build_path(first, "/continue"), json={"epochs": 9})) == (409, "not_succeeded")
    attempt_factories.succeed_with_checkpoint(sessions, attempt_factories.claim_job(sessions), 3)
    answer = client.post(build_path(first, "/continue"), json={"epochs": 5})
    longer = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, build_path(longer))
    assert (longer["state"], longer["continued_from"], longer["retry_of"]) == ("queued", first["id"], None)
    assert longer["progress"] == {"epochs_done": 3, "epochs": 5, "seconds_left": None}
    assert (longer["name"], longer["tags"], longer["spec"]["training"]["epochs"]) == ("short", ["x"], 5)
    assert client.get(build_path(first)).json()["state"] == "succeeded"


def test_an_action_that_the_state_does_not_allow_is_a_conflict(client, submit):
    job = submit()
    assert get_refusal(client.post(build_path(job, "/retry"))) == (409, "not_finished")
    client.post(build_path(job, "/cancel"))
    for action in ("/pause", "/resume", "/finish"):
        assert get_refusal(client.post(build_path(job, action))) == (409, "already_finished")
    assert get_refusal(client.patch(build_path(job), json={"priority": 1})) == (409, "already_finished")
    client.delete(build_path(job))
    for action in ("/pause", "/resume", "/finish", "/retry", "/cancel"):
        assert get_refusal(client.post(build_path(job, action))) == (404, "not_found")


def test_a_retry_is_a_new_job_and_a_repeated_key_makes_only_one(client, submit):
    first = submit(training={"seed": None}, tags=["x"])
    client.post(build_path(first, "/cancel"))
    answers = [client.post(build_path(first, "/retry"), headers={"Idempotency-Key": "again"}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {201}
    again = answers[0].json()
    assert answers[1].json()["id"] == again["id"]
    assert client.get(answers[0].headers["Location"]).json()["id"] == again["id"]
    assert (again["retry_of"], again["spec"], again["state"]) == (first["id"], first["spec"], "queued")
    assert (again["tags"], again["name"]) == (["x"], "iris")
    other = submit()
    client.post(build_path(other, "/cancel"))
    conflict = client.post(build_path(other, "/retry"), headers={"Idempotency-Key": "again"})
    assert get_refusal(conflict) == (409, "idempotency_key_reused")


def test_a_higher_priority_moves_a_job_ahead(client, submit):
    first, second = submit(), submit(tags=["old"])
    changed = client.patch(build_path(second), json={"priority": 6, "name": "urgent", "tags": ["b", "a"]}).json()
    assert (changed["priority"], changed["name"], changed["tags"]) == (6, "urgent", ["a", "b"])
    assert (changed["queue_position"], changed["before"]) == (0, [])
    waiting = client.get(build_path(first)).json()
    ahead = {"id": second["id"], "name": "urgent", "state": "queued", "priority": 6}
    assert (waiting["queue_position"], waiting["before"]) == (1, [ahead])
    assert client.patch(build_path(second), json={}).json() == changed


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"priority": 10}, "/priority"),
        ({"priority": 2.5}, "/priority"),
        ({"tags": "x"}, "/tags"),
        ({"tags": [""]}, "/tags/0"),
        ({"name": ""}, "/name"),
        ({"state": "succeeded"}, "/state"),
    ],
)
def test_an_invalid_change_is_refused_with_its_pointer_and_changes_nothing(client, submit, body, pointer):
    job = submit()
    response = client.patch(build_path(job), json={"name": "other"} | body)
    assert get_refusal(response) == (422, "invalid")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert client.get(build_path(job)).json()["name"] == "iris"


def test_a_waiting_job_has_an_estimated_start(client, sessions, submit):
    submit()
    attempt_factories.conclude_attempt(sessions, attempt_factories.claim_job(sessions))
    record_heartbeat(sessions, build_registration())
    first, second = submit(), submit()
    assert (first["estimated_start"], first["before"]) == (None, None)
    times = [client.get(build_path(job)).json()["estimated_start"] for job in (first, second)]
    assert times[0] < times[1]
    listed = {job["id"]: job for job in client.get("/v1/jobs", params={"state": "queued"}).json()["items"]}
    assert all(listed[job["id"]]["estimated_start"] for job in (first, second))


def test_a_crashed_job_reports_the_crash_and_its_checkpoint(client, sessions, submit):
    job = submit()
    claimed = attempt_factories.claim_job(sessions)
    details = {"signal": "SIGSEGV", "last_epoch": 7, "peak_memory": 2**30, "estimate": None}
    with sessions.begin() as session:
        why = lifecycle.build_reason("crashed", "It crashed.", **details)
        lifecycle.transition_job(
            session, claimed.job_id, to_state=JobState.FAILED, from_states=[JobState.RUNNING], reason=why
        )
        values = {"crashes": 3, "lost_attempts": 1, "peak_memory": 2**30}
        session.execute(update(Job).where(Job.id == claimed.job_id).values(values))
        written = {
            "sha256": "0" * 64,
            "bytes": 1,
            "attempt": 1,
            "epoch": 7,
            "step": 12,
            "created_at": get_current_time(session),
        }
        session.merge(Checkpoint(job_id=claimed.job_id, **written))
    crashed = client.get(build_path(job)).json()
    assert (crashed["crashes"], crashed["lost_attempts"], crashed["peak_memory"]) == (3, 1, 2**30)
    assert {name: crashed["reason"][name] for name in details} == details
    assert (crashed["checkpoint"]["epoch"], crashed["checkpoint"]["step"]) == (7, 12)
    assert crashed["checkpoint"]["at"].endswith("Z")
