"""What owners may do to their jobs, on both databases."""

import pytest

from models import Checkpoint, Dataset, DiscardedFile, JobState
from service.datasets import catalog
from service.db.database import now
from service.db.ids import new_id
from service.errors import Conflict, NotFound
from service.jobs import job_read_model, jobs
from service.jobs.jobs import Idempotency
from stackyard.spec import JobChanges, JobSpec, Limits, SpecError, Task, check
from tests import runs
from tests.factories import submit

CHANGES = {"name": "other", "tags": ["b", "a", "b"], "priority": 9}


def told(sessions, job_id):
    with sessions.read() as session:
        return job_read_model.gather(session, [jobs.get(session, job_id)])[0]


def do(sessions, what, job_id):
    """Cancel, pause or resume a job."""
    with sessions.begin() as session:
        return getattr(jobs, what)(session, job_id)


def check_again(sessions, job):
    """The report that the check makes of a job's spec."""
    with sessions.read() as session:
        dataset = session.get_one(Dataset, job.dataset_id)
        return check(JobSpec.model_validate(job.spec), catalog.description(dataset))


def read(sessions, job):
    """The job, as its row says."""
    with sessions.read() as session:
        return jobs.get(session, job.id)


def states(sessions, job_id):
    return [step.to_state for step in told(sessions, job_id).transitions]


def ended(sessions, state):
    """A job that ended so."""
    job = submit(sessions)
    claimed = runs.claim(sessions)
    runs.conclude(sessions, claimed, state)
    return job


def test_a_job_that_waits_is_paused_and_resumed_at_once_and_repeats_change_nothing(either_sessions):
    job = submit(either_sessions)
    assert [do(either_sessions, "pause", job.id).state for _ in range(2)] == [JobState.PAUSED] * 2
    with pytest.raises(AssertionError):
        runs.claim(either_sessions)
    assert [do(either_sessions, "resume", job.id).state for _ in range(2)] == [JobState.QUEUED] * 2
    assert states(either_sessions, job.id) == ["queued", "paused", "queued"]
    assert runs.claim(either_sessions).job_id == job.id


def test_a_job_that_runs_is_asked_to_pause_and_the_wish_can_be_taken_back(either_sessions):
    job = submit(either_sessions)
    runs.claim(either_sessions)
    paused = do(either_sessions, "pause", job.id)
    assert (paused.state, paused.pause_requested) == (JobState.RUNNING, True)
    resumed = do(either_sessions, "resume", job.id)
    assert (resumed.state, resumed.pause_requested) == (JobState.RUNNING, False)
    do(either_sessions, "cancel", job.id)
    with pytest.raises(Conflict, match="being cancelled"):
        do(either_sessions, "pause", job.id)


def test_a_paused_job_is_cancelled_at_once_and_leaves_no_checkpoint(either_sessions):
    job = submit(either_sessions)
    do(either_sessions, "pause", job.id)
    with either_sessions.begin() as session:
        written = {"bytes": 1, "attempt": 1, "epoch": 0, "step": 1, "created_at": now(session)}
        session.add(Checkpoint(job_id=job.id, sha256="a" * 64, **written))
    assert do(either_sessions, "cancel", job.id).state is JobState.CANCELLED
    cancelled = told(either_sessions, job.id)
    assert "while it was paused" in cancelled.job.reason["message"]
    assert cancelled.checkpoint is None
    with either_sessions.read() as session:
        assert session.get(DiscardedFile, "a" * 64) is not None


def test_a_job_that_waits_again_is_cancelled_while_it_waits(sessions):
    job = submit(sessions)
    runs.lose(sessions, runs.claim(sessions))
    do(sessions, "cancel", job.id)
    assert "while it waited" in told(sessions, job.id).job.reason["message"]


@pytest.mark.parametrize("what", ["pause", "resume"])
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED, JobState.CANCELLED])
def test_what_has_ended_can_be_neither_paused_nor_resumed(sessions, what, state):
    job = ended(sessions, state)
    with pytest.raises(Conflict) as caught:
        do(sessions, what, job.id)
    assert caught.value.code == "already_finished"
    assert told(sessions, job.id).job.state is state


@pytest.mark.parametrize(
    "changes",
    [{}, {"network": {"layers": [{"type": "Dense", "units": 1}]}, "training": {"loss": "mse", "metrics": []}}],
    ids=["classification", "regression"],
)
def test_a_submitted_job_has_the_numbers_of_the_check(either_sessions, changes):
    job = read(either_sessions, submit(either_sessions, **changes))
    report = check_again(either_sessions, job)
    assert Task.model_validate(job.task) == report.task
    assert (job.step_flops, job.memory_estimate) == (report.step_flops, report.memory.total_bytes)


def test_a_number_that_no_column_holds_is_the_largest_that_one_holds(either_sessions):
    """How many rows have a value is not known, so the batch alone bounds the operations of a step."""
    data = {
        "dataset": "builtin:iris",
        "target": {"column": "target"},
        "split": {"validation": {"method": "column", "column": "target", "values": [2]}},
    }
    job = read(either_sessions, submit(either_sessions, data=data, training={"batch_size": 2**60}))
    assert check_again(either_sessions, job).step_flops > 2**63
    assert job.step_flops == 2**63 - 1


@pytest.mark.parametrize("what", ["cancel", "pause", "resume"])
def test_nothing_can_be_done_to_a_job_that_is_not_there(sessions, what):
    with pytest.raises(NotFound):
        do(sessions, what, new_id())


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED, JobState.CANCELLED])
def test_a_job_that_has_ended_is_queued_once_more_with_its_seed_and_its_dataset(sessions, state):
    first = ended(sessions, state)
    with sessions.begin() as session:
        again = jobs.submit(session, jobs.examine_again(session, first.id, Limits()))
    assert again.id != first.id
    assert (again.retry_of, again.state, again.attempt) == (first.id, JobState.QUEUED, 0)
    assert (again.spec, again.dataset_id, again.architecture) == (first.spec, first.dataset_id, first.architecture)
    assert (again.task, again.step_flops, again.memory_estimate) == (
        first.task,
        first.step_flops,
        first.memory_estimate,
    )
    assert told(sessions, first.id).job.state is state


def test_a_job_that_has_not_ended_is_not_retried(either_sessions):
    job = submit(either_sessions)
    for step in (lambda: None, lambda: runs.claim(either_sessions)):
        step()
        with either_sessions.read() as session, pytest.raises(Conflict) as caught:
            jobs.examine_again(session, job.id, Limits())
        assert caught.value.code == "not_finished"


def test_a_job_whose_dataset_is_gone_is_not_retried(sessions):
    job = ended(sessions, JobState.FAILED)
    with sessions.begin() as session:  # as the foreign key does when it is deleted
        jobs.get(session, job.id).dataset_id = None
    with sessions.read() as session, pytest.raises(Conflict) as caught:
        jobs.examine_again(session, job.id, Limits())
    assert caught.value.code == "dataset_deleted"


def test_a_retry_holds_to_the_limits_of_today(sessions):
    job = ended(sessions, JobState.FAILED)
    with sessions.read() as session, pytest.raises(SpecError, match="max_epochs"):
        jobs.examine_again(session, job.id, Limits(max_epochs=1))


def test_the_same_key_makes_one_retry(either_sessions):
    first, key = ended(either_sessions, JobState.FAILED), Idempotency("again", "0" * 64)

    def retry():
        with either_sessions.begin() as session:
            return jobs.submit(session, jobs.examine_again(session, first.id, Limits()), key).id

    assert retry() == retry()


def test_a_name_tags_and_a_priority_are_changed_and_the_spec_says_so(either_sessions):
    job = submit(either_sessions, tags=["a", "old"])
    with either_sessions.begin() as session:
        jobs.change(session, job.id, JobChanges.model_validate(CHANGES))
    changed = told(either_sessions, job.id)
    assert (changed.job.name, list(changed.tags), changed.job.priority) == ("other", ["a", "b"], 9)
    assert changed.job.spec["run"] == job.spec["run"] | {"priority": 9}
    assert changed.job.spec["tags"] == ["b", "a", "b"]
    with either_sessions.begin() as session:
        jobs.change(session, job.id, JobChanges.model_validate({"name": None}))
    assert told(either_sessions, job.id).job.name is None
    assert told(either_sessions, job.id).job.priority == 9


def test_a_higher_priority_comes_first(either_sessions):
    _, second = submit(either_sessions), submit(either_sessions)
    with either_sessions.begin() as session:
        jobs.change(session, second.id, JobChanges(priority=6))
    assert runs.claim(either_sessions).job_id == second.id


def test_a_job_that_has_ended_has_a_name_and_no_priority(sessions):
    job = ended(sessions, JobState.SUCCEEDED)
    with sessions.begin() as session, pytest.raises(Conflict):
        jobs.change(session, job.id, JobChanges(priority=6))
    with sessions.begin() as session:
        assert jobs.change(session, job.id, JobChanges(name="best")).name == "best"


def test_a_tag_twice_is_a_tag(sessions):
    assert list(told(sessions, submit(sessions, tags=["x", "x"]).id).tags) == ["x"]
