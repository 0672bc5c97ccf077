"""A server lists its workers, explains why a job waits, and records the environment of a job."""

import socket

import pytest

from stackyard.cores import count_usable_cores
from tests.factories import iris_spec
from tests.polling import wait_until

pytestmark = pytest.mark.xdist_group("server")


def test_a_worker_is_listed_and_the_environment_of_a_job_is_recorded(server):
    [worker] = wait_until(lambda: server.http.get("/v1/workers").json()["items"])
    assert (worker["state"], worker["device"]) == ("serving", "cpu")
    assert worker["concurrency"] == min(2, count_usable_cores())
    assert worker["host"] == socket.gethostname()
    assert 1 <= worker["threads"] * worker["concurrency"] <= count_usable_cores()

    job_id = server.submit(iris_spec(training={"epochs": 100_000}))
    server.until_running(job_id)
    [busy] = server.http.get("/v1/workers").json()["items"]
    assert busy["jobs"] == [job_id]
    server.http.post(f"/v1/jobs/{job_id}/cancel")
    ran_on = server.until_ended(job_id)["ran_on"]

    assert (ran_on["device"], ran_on["precision"]) == ("cpu", "float32")
    assert ran_on["threads"] == worker["threads"]
    assert ran_on["backend"] in ran_on["versions"]
    assert ran_on["versions"].items() <= worker["versions"].items()


def test_a_large_job_on_tensorflow_alone_has_all_cores(server):
    layers = [
        *({"type": "Dense", "units": 1024, "activation": "relu"} for _ in range(3)),
        {"type": "Dense", "units": 3},
    ]
    wait_until(lambda: not any(worker["jobs"] for worker in server.http.get("/v1/workers").json()["items"]))
    spec = iris_spec(network={"layers": layers}, training={"batch_size": 64}, run={"backend": "tensorflow"})
    job_id = server.submit(spec)
    job = server.until_ended(job_id)
    assert job["state"] == "succeeded", job
    assert job["ran_on"]["threads"] == count_usable_cores()


def test_a_gpu_job_on_a_server_without_a_gpu_explains_why_it_waits(server):
    job_id = server.submit(iris_spec(run={"device": "gpu"}))
    waiting = server.get_job(job_id)["waiting"]
    assert (waiting["code"], waiting["message"]) == ("no_worker", "No live worker serves gpu.")
    assert server.http.post(f"/v1/jobs/{job_id}/cancel").json()["waiting"] is None
