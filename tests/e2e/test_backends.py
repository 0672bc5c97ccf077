"""One child of a real worker trains jobs of both backends."""

from tests.factories import iris_spec
from tests.servers.local_server import run_server


def test_one_child_trains_alternating_jobs_of_both_backends(tmp_path):
    backends = ["jax", "tensorflow", "jax", "tensorflow"]
    with run_server(tmp_path, "--workers", "1", STACKYARD_BACKEND_BATCH_S="1") as server:
        submitted = [server.submit(iris_spec(run={"backend": backend})) for backend in backends]
        jobs = [server.until_ended(job_id) for job_id in submitted]
    assert [(job["state"], job["backend"], job["ran_on"]["backend"]) for job in jobs] == [
        ("succeeded", backend, backend) for backend in backends
    ]
    assert [set(job["ran_on"]["versions"]) for job in jobs] == [
        {"python", "stackyard", "keras", backend} for backend in backends
    ]
    # A process that makes way holds no attempt, so its end costs no job an attempt.
    assert {(job["attempt"], job["lost_attempts"], job["crashes"]) for job in jobs} == {(1, 0, 0)}
    processes = {backend: {job["worker"] for job in jobs if job["backend"] == backend} for backend in backends}
    assert processes["jax"].isdisjoint(processes["tensorflow"])
