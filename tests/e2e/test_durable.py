"""Jobs that are disturbed while they run, end to end: whatever happens, they end as if nothing had."""

import io
import os
import signal
import zipfile

import pytest

from tests.factories import iris_spec
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("server")


def spec():
    """Of a training that draws numbers all the time, and whose callback remembers what it saw."""
    callback = {"type": "ReduceLROnPlateau", "monitor": "val_loss", "factor": 0.9, "patience": 40}
    return iris_spec(training={"epochs": 1_500, "shuffle": True, "callbacks": [callback]})


def weights(server, job_id):
    content = server.http.get(f"/v1/jobs/{job_id}/model").raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("model.weights.h5")


def post(server, path):
    response = server.http.post(f"/v1/{path}")
    assert response.is_success, response.text
    return response.json()


def until_state(server, job_id, state):
    return until(lambda: job if (job := server.job(job_id))["state"] == state else None, within=300)


def until_going_on(server, job_id, after):
    """Once it has recorded more epochs than before."""
    return server.until_running(job_id, epochs=after["progress"]["epochs_done"] + 100)


def test_a_job_that_is_killed_paused_and_handed_back_ends_with_the_same_bits(server):
    undisturbed = server.submit(spec())
    job_id = server.submit(spec())
    running = server.until_running(job_id, epochs=200)

    os.kill(int(running["worker"].partition(":")[2]), signal.SIGKILL)
    running = until_going_on(server, job_id, running)
    assert running["attempt"] == 2

    post(server, f"jobs/{job_id}/pause")
    paused = until_state(server, job_id, "paused")
    post(server, f"jobs/{job_id}/resume")
    running = until_going_on(server, job_id, paused)

    [worker] = server.http.get("/v1/workers").json()["items"]
    os.kill(worker["pid"], signal.SIGTERM)
    ended = server.until_ended(job_id)

    assert ended["state"] == "succeeded", ended
    assert [(step["to"], (step["reason"] or {}).get("code")) for step in ended["transitions"]] == [
        ("queued", None),
        ("running", None),
        ("queued", "attempt_crashed"),
        ("running", None),
        ("paused", "paused"),
        ("queued", "resumed"),
        ("running", None),
        ("queued", "handed_back"),
        ("running", None),
        ("succeeded", None),
    ]
    assert server.history(job_id) == server.history(undisturbed)
    assert ended["metrics"] == server.job(undisturbed)["metrics"]
    assert ended["evaluation"] == server.job(undisturbed)["evaluation"]
    assert weights(server, job_id) == weights(server, undisturbed)


def test_a_worker_that_drains_takes_nothing_until_it_is_wanted_again(server):
    [worker] = server.http.get("/v1/workers").json()["items"]
    post(server, f"workers/{worker['id']}/drain")
    job_id = server.submit(iris_spec())
    until(lambda: server.http.get("/v1/workers").json()["items"][0]["state"] == "draining")
    assert server.job(job_id)["state"] == "queued"
    server.http.delete(f"/v1/workers/{worker['id']}/drain").raise_for_status()
    assert server.until_ended(job_id)["state"] == "succeeded"
