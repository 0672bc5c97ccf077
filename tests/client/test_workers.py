"""Workers, why a job waits and what it runs on, by the client and by the command line."""

import io
import threading

import pytest
from rich.console import Console
from typer.testing import CliRunner

from service.jobs import attempts
from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions
from stackyard.cli import app
from stackyard.cli.output.progress import follow_job
from stackyard.client import Client
from tests.client.conftest import TOKEN
from tests.factories import build_registration, iris_spec, record_heartbeat
from tests.polling import wait_until

VERSIONS = {"python": "3.11.7", "stackyard": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0"}


@pytest.fixture
def command(url):
    """Run a command and return its output."""

    def run(*arguments):
        result = CliRunner().invoke(app, [*arguments, "--url", url, "--token", TOKEN], env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_workers_are_listed(stackyard, sessions, command):
    assert list(stackyard.workers()) == []
    record_heartbeat(sessions, build_registration("gpu", cards=["NVIDIA H200"], versions=VERSIONS), lasts_s=0.0)
    record_heartbeat(sessions, build_registration("cpu", concurrency=3, versions=VERSIONS))
    first, second = stackyard.workers(limit=1)
    assert (first.device, first.state, first.concurrency, first.jobs) == ("cpu", "serving", 3, [])
    assert (second.cards, second.state) == (["NVIDIA H200"], "lost")
    _, serving, lost = command("workers").splitlines()
    assert serving.split()[:2] == ["here:7", "serving"]
    assert "cpu, 2 threads each" in serving
    assert "0 of 3" in serving
    assert "NVIDIA H200, 2 threads each" in lost


def test_a_job_says_why_it_waits_and_then_what_it_runs_on(stackyard, sessions, command):
    job = stackyard.submit(iris_spec(run={"device": "gpu"}))
    assert (job.waiting.code, job.ran_on) == ("no_worker", None)
    assert "No live worker serves gpu." in command("job", job.id)
    with sessions.begin() as session:
        ran_on = ExecutionEnvironment("NVIDIA H200", 4, "tf32", VERSIONS)
        attempts.claim_job(
            session, queue="gpu", worker="here:8", lease_s=60, options=ExecutionOptions(ran_on, ran_on, 1)
        )
    job = stackyard.job(job.id)
    assert job.waiting is None
    assert (job.ran_on.device, job.ran_on.threads, job.ran_on.versions) == ("NVIDIA H200", 4, VERSIONS)
    assert "runs on  NVIDIA H200, 4 threads, tf32, keras 3.15.1, tensorflow 2.21.0" in command("job", job.id)


def test_the_progress_says_that_no_worker_serves_the_queue(stackyard, url):
    job = stackyard.submit(iris_spec(run={"device": "gpu"}))
    output = io.StringIO()
    with Client(url, TOKEN) as client:
        console = Console(file=output, width=200)
        waiting = threading.Thread(target=follow_job, args=(client, job.id, console, 0.01))
        waiting.start()
        wait_until(lambda: "queued: No live worker serves gpu." in output.getvalue())
        stackyard.cancel(job.id)
        waiting.join()
    assert "cancelled" in output.getvalue()
