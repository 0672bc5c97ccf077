"""A child of a worker with a limit on its memory: a job that needs more fails, and the next one succeeds."""

import os
import subprocess
import sys

from models import JobState
from service.jobs import queries
from tests.factories import submit_job

RUN_TWO_JOBS = """
from worker.child_process import create_job_runner
from worker.runtime.shutdown_signal import ShutdownSignal

runner = create_job_runner(ShutdownSignal())
runner.run_next_job("cpu")
runner.run_next_job("cpu")
print(runner.memory_limit)
"""


def test_a_job_that_needs_too_much_fails_with_the_estimate_and_the_peak_and_no_other(sessions, settings):
    layers = [{"type": "Dense", "units": 6000}, {"type": "Dense", "units": 6000}, {"type": "Dense", "units": 3}]
    large = submit_job(sessions, network={"layers": layers})
    small = submit_job(sessions)
    variables = {
        "STACKYARD_DATA_DIR": str(settings.data_dir),
        "STACKYARD_DATABASE_URL": settings.resolved_database_url,
        "STACKYARD_BROKER_URL": settings.broker_url,
        "STACKYARD_CHILD_MEMORY_LIMIT": "1",
    }
    process = subprocess.run(
        [sys.executable, "-c", RUN_TWO_JOBS],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0
    limit = int(process.stdout.splitlines()[-1])
    with sessions.read() as session:
        large, small = (queries.get_job(session, job.id) for job in (large, small))
    assert (large.state, large.reason["code"]) == (JobState.FAILED, "out_of_memory")
    assert large.reason["estimate"] == large.memory_estimate > 500_000_000
    assert 0 < large.reason["peak_memory"] < 2 * limit
    for number in (limit, large.reason["estimate"], large.reason["peak_memory"]):
        assert f"{number:,} bytes" in large.reason["message"]
    assert large.crashes == 0
    assert small.state is JobState.SUCCEEDED, small.reason
