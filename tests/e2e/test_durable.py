"""Jobs that are interrupted while they run have the same results as uninterrupted ones."""

import io
import os
import signal
import zipfile

import pytest

from tests.factories import iris_spec
from tests.polling import wait_until

pytestmark = pytest.mark.xdist_group("server")


EPOCHS = {"tensorflow": 1_500, "jax": 15_000}
"""So many that each backend trains for seconds, in which a job can be interrupted several times."""


def build_spec(backend):
    """Return the spec of a training that draws random numbers in each step, and whose callback has state."""
    callback = {"type": "ReduceLROnPlateau", "monitor": "val_loss", "factor": 0.9, "patience": 40}
    return iris_spec(
        training={"epochs": EPOCHS[backend], "batch_size": 4, "shuffle": True, "callbacks": [callback]},
        run={"backend": backend},
    )


def read_weights(server, job_id):
    content = server.http.get(f"/v1/jobs/{job_id}/model").raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("model.weights.h5")


def send_post(server, path):
    response = server.http.post(f"/v1/{path}")
    assert response.is_success, response.text
    return response.json()


def until_state(server, job_id, state):
    return wait_until(lambda: job if (job := server.get_job(job_id))["state"] == state else None, within=300)


def until_continued(server, job_id, earlier_job):
    """Wait until the job has recorded more epochs than `earlier_job`; return it."""
    return server.until_running(job_id, epochs=earlier_job["progress"]["epochs_done"] + 100)


@pytest.mark.exhaustive
@pytest.mark.parametrize("backend", EPOCHS)
def test_a_killed_paused_and_released_job_ends_with_the_same_bits(server, backend):
    undisturbed = server.submit(build_spec(backend))
    job_id = server.submit(build_spec(backend))
    running = server.until_running(job_id, epochs=200)

    os.kill(int(running["worker"].partition(":")[2]), signal.SIGKILL)
    running = until_continued(server, job_id, running)
    assert running["attempt"] == 2

    send_post(server, f"jobs/{job_id}/pause")
    paused = until_state(server, job_id, "paused")
    send_post(server, f"jobs/{job_id}/resume")
    running = until_continued(server, job_id, paused)

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
    assert server.get_history(job_id) == server.get_history(undisturbed)
    assert ended["metrics"] == server.get_job(undisturbed)["metrics"]
    assert ended["evaluation"] == server.get_job(undisturbed)["evaluation"]
    assert read_weights(server, job_id) == read_weights(server, undisturbed)


def test_a_draining_worker_claims_no_job_until_the_drain_is_undone(server):
    [worker] = server.http.get("/v1/workers").json()["items"]
    send_post(server, f"workers/{worker['id']}/drain")
    job_id = server.submit(iris_spec())
    wait_until(lambda: server.http.get("/v1/workers").json()["items"][0]["state"] == "draining")
    assert server.get_job(job_id)["state"] == "queued"
    server.http.delete(f"/v1/workers/{worker['id']}/drain").raise_for_status()
    assert server.until_ended(job_id)["state"] == "succeeded"
