"""A child of a worker loads the backend that it has chosen, and no other one."""

import os
import subprocess
import sys

LIST_BACKENDS = """
import sys
from worker.child_process import create_job_runner
from worker.runtime.shutdown_signal import ShutdownSignal

runner = create_job_runner(ShutdownSignal())
print(runner.turns.backend.value, *({"jax", "tensorflow"} & set(sys.modules)))
"""


def test_a_child_without_waiting_jobs_loads_jax_alone(sessions, settings):
    del sessions  # only its database is needed
    variables = {
        "STACKYARD_DATA_DIR": str(settings.data_dir),
        "STACKYARD_DATABASE_URL": settings.resolved_database_url,
        "STACKYARD_BROKER_URL": settings.broker_url,
    }
    command = [sys.executable, "-c", LIST_BACKENDS]
    process = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    assert process.stdout.split() == ["jax", "jax"]
