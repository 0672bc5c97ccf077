"""Children with a limit on their memory: a job that needs more fails, and the next one succeeds."""

import pytest

from tests.factories import iris_spec
from tests.servers.local_server import run_server


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_job_that_needs_too_much_fails_with_the_estimate_and_no_other_does(tmp_path, backend):
    layers = [{"type": "Dense", "units": 6000}, {"type": "Dense", "units": 6000}, {"type": "Dense", "units": 3}]
    run = {"backend": backend}
    with run_server(tmp_path, "--workers", "1", STACKYARD_CHILD_MEMORY_LIMIT="1") as server:
        submitted = [server.submit(iris_spec(network={"layers": layers}, run=run)), server.submit(iris_spec(run=run))]
        large, small = (server.until_ended(job_id) for job_id in submitted)
    reason = large["reason"]
    assert (large["state"], reason["code"]) == ("failed", "out_of_memory")
    assert reason["estimate"] > 500_000_000
    assert f"{reason['estimate']:,} bytes" in reason["message"]
    if backend == "tensorflow":  # JAX aborts the process, which then cannot tell its peak
        assert large["crashes"] == 0
        assert f"{reason['peak_memory']:,} bytes" in reason["message"]
    assert small["state"] == "succeeded", small["reason"]
    # A library may keep memory that it has freed, so that another process runs the next job.
    assert small["worker"] != large["worker"]
