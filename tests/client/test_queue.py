"""Pause, resume, retry, change and drain, by the client and by the command line."""

import pytest
from typer.testing import CliRunner

from stackyard.cli import app
from stackyard.client import ProblemError
from tests import attempt_factories
from tests.client.conftest import TOKEN
from tests.factories import build_registration, iris_spec, record_heartbeat


@pytest.fixture
def command(url):
    """Run a command and return its output."""

    def run(*arguments, status=0):
        result = CliRunner().invoke(app, [*arguments, "--url", url], env={"COLUMNS": "200", "STACKYARD_TOKEN": TOKEN})
        assert result.exit_code == status, result.output
        return result.output

    return run


def test_a_job_is_paused_resumed_and_retried(stackyard, command):
    job = stackyard.submit(iris_spec())
    paused = stackyard.pause(job.id)
    assert (paused.state, paused.finished, paused.waiting.code) == ("paused", False, "paused")
    assert "waits to be resumed" in command("job", job.id)
    assert "waits to be resumed" in command("jobs")
    assert "queued" in command("resume", job.id)
    assert "paused" in command("pause", job.id)
    assert stackyard.resume(job.id).state == "queued"
    assert "409" not in command("retry", job.id, status=1)
    stackyard.cancel(job.id)
    again = stackyard.retry(job.id, "once")
    assert (again.retry_of, stackyard.retry(job.id, "once").id) == (job.id, again.id)
    third = command("retry", job.id).strip()
    assert stackyard.job(third).spec == job.spec
    assert f"retry of  {job.id}" in command("job", third)
    with pytest.raises(ProblemError) as caught:
        stackyard.pause(job.id)
    assert caught.value.status == 409


def test_a_running_job_is_finished(stackyard, command, sessions):
    job = stackyard.submit(iris_spec())
    attempt_factories.claim_job(sessions)
    assert stackyard.finish(job.id).finish_requested
    assert "running, about to finish" in command("finish", job.id)


def test_a_held_job_is_trained_further(stackyard, command, sessions):
    job = stackyard.submit(iris_spec(run={"until_epoch": 1}))
    attempt_factories.stop_at_until_epoch(sessions, attempt_factories.claim_job(sessions), 1)
    held = stackyard.wait(job.id)
    assert (held.state, held.is_held, held.finished) == ("paused", True, False)
    assert "1 of 3, pauses after 1" in command("job", job.id)
    assert stackyard.change(job.id, until_epoch=2).state == "queued"
    attempt_factories.stop_at_until_epoch(sessions, attempt_factories.claim_job(sessions), 2)
    assert "pauses after 2" in command("resume", job.id, "--until-epoch", "2")
    assert stackyard.resume(job.id, until_epoch=3).until_epoch == 3
    assert "pauses after 2" in command("change", job.id, "--until-epoch", "2")


def test_a_succeeded_job_is_continued(stackyard, command, sessions):
    job = stackyard.submit(iris_spec())
    attempt_factories.succeed_with_checkpoint(sessions, attempt_factories.claim_job(sessions), 3)
    longer = stackyard.continue_training(job.id, 5, "once")
    assert (longer.continued_from, longer.progress.epochs_done, longer.progress.epochs) == (job.id, 3, 5)
    assert stackyard.continue_training(job.id, 5, "once").id == longer.id
    assert stackyard.job(command("continue", job.id, "--more", "20").strip()).progress.epochs == 23
    assert stackyard.job(command("continue", job.id, "--epochs", "8").strip()).progress.epochs == 8
    assert f"continues   {job.id}" in command("job", longer.id)
    command("continue", job.id, status=2)
    command("continue", job.id, "--epochs", "8", "--more", "1", status=2)


def test_a_job_is_changed(stackyard, command):
    job = stackyard.submit(iris_spec(tags=["x"]))
    assert stackyard.change(job.id, priority=7).priority == 7
    command("change", job.id, "--priority", "8", "--name", "night run", "--tag", "a", "--tag", "b")
    changed = stackyard.job(job.id)
    assert (changed.priority, changed.name, changed.tags) == (8, "night run", ["a", "b"])
    assert stackyard.change(job.id, tags=[]).tags == []


def test_a_job_says_why_it_waits_and_when_it_starts(stackyard, sessions, command):
    stackyard.submit(iris_spec())
    attempt_factories.conclude_attempt(sessions, attempt_factories.claim_job(sessions))
    record_heartbeat(sessions, build_registration())
    first, second = stackyard.submit(iris_spec()), stackyard.submit(iris_spec())
    waiting = stackyard.job(second.id)
    assert [ahead.id for ahead in waiting.before] == [first.id]
    assert "Behind 1 job on cpu." in command("jobs")
    assert f"It starts at about {waiting.estimated_start:%Y-%m-%d}" in command("job", second.id)


def test_a_worker_is_drained_by_its_name_or_its_id(stackyard, sessions, command):
    registered = record_heartbeat(sessions, build_registration())
    assert "here:7 is draining and has 0 jobs" in command("drain", "here:7")
    assert [worker.state for worker in stackyard.workers()] == ["draining"]
    assert "serving" in command("drain", str(registered.id), "--undo")
    assert stackyard.drain(str(registered.id)).state == "draining"
    assert stackyard.undrain(str(registered.id)).state == "serving"
    assert "valid UUID" in command("drain", "elsewhere:1", status=1)
