"""Submit, control, retry and change jobs, on both databases."""

import pytest

from models import Checkpoint, Dataset, DiscardedFile, JobState
from service.datasets import catalog
from service.db.database import get_current_time
from service.db.ids import new_id
from service.errors import Conflict, NotFound
from service.jobs import controls, insertion, job_read_model, queries, validation
from service.jobs.insertion import Idempotency
from stackyard.spec import JobChanges, JobSpec, Limits, SpecError, Task, check_spec
from tests import attempt_factories
from tests.factories import submit_job

CHANGES = {"name": "other", "tags": ["b", "a", "b"], "priority": 9}


def load_details(sessions, job_id):
    with sessions.read() as session:
        return job_read_model.load_job_details(session, [queries.get_job(session, job_id)])[0]


def apply_control(sessions, control, job_id):
    """Cancel, pause, resume or finish a job."""
    with sessions.begin() as session:
        return control(session, job_id)


def check_job_spec(sessions, job):
    """Return the report of the spec check for a job's spec."""
    with sessions.read() as session:
        dataset = session.get_one(Dataset, job.dataset_id)
        return check_spec(JobSpec.model_validate(job.spec), catalog.parse_description(dataset))


def load_job(sessions, job):
    """Load the current row of a job."""
    with sessions.read() as session:
        return queries.get_job(session, job.id)


def list_states(sessions, job_id):
    return [transition.to_state for transition in load_details(sessions, job_id).transitions]


def run_to_end(sessions, state):
    """Return a job that ended in a state."""
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.conclude_attempt(sessions, claimed, state)
    return job


def test_jobs_and_datasets_are_listed_by_the_start_of_their_ids(either_sessions):
    ids = [submit_job(either_sessions).id for _ in range(3)]
    with either_sessions.read() as session:
        dataset_ids = [dataset.id for dataset in catalog.list_datasets(session, limit=50).items]
        for prefix in (ids[1].hex, ids[1].hex[:-1], ids[1].hex[:8].upper(), "f", "0"):
            page = queries.list_jobs(session, queries.JobFilter(id_prefix=prefix), limit=10, cursor=None)
            expected = [job_id for job_id in reversed(ids) if job_id.hex.startswith(prefix.lower())]
            assert [job.id for job in page.items] == expected
        page = catalog.list_datasets(session, limit=50, id_prefix=dataset_ids[0].hex[:20])
        assert [dataset.id for dataset in page.items] == [
            dataset_id for dataset_id in dataset_ids if dataset_id.hex[:20] == dataset_ids[0].hex[:20]
        ]


def test_a_waiting_job_is_paused_and_resumed_at_once_and_repeats_change_nothing(either_sessions):
    job = submit_job(either_sessions)
    assert [apply_control(either_sessions, controls.pause_job, job.id).state for _ in range(2)] == [
        JobState.PAUSED
    ] * 2
    with pytest.raises(AssertionError):
        attempt_factories.claim_job(either_sessions)
    assert [apply_control(either_sessions, controls.resume_job, job.id).state for _ in range(2)] == [
        JobState.QUEUED
    ] * 2
    assert list_states(either_sessions, job.id) == ["queued", "paused", "queued"]
    assert attempt_factories.claim_job(either_sessions).job_id == job.id


def test_a_running_job_is_requested_to_pause_and_the_request_can_be_withdrawn(either_sessions):
    job = submit_job(either_sessions)
    attempt_factories.claim_job(either_sessions)
    paused = apply_control(either_sessions, controls.pause_job, job.id)
    assert (paused.state, paused.pause_requested) == (JobState.RUNNING, True)
    resumed = apply_control(either_sessions, controls.resume_job, job.id)
    assert (resumed.state, resumed.pause_requested) == (JobState.RUNNING, False)
    apply_control(either_sessions, controls.cancel_job, job.id)
    with pytest.raises(Conflict, match="being cancelled"):
        apply_control(either_sessions, controls.pause_job, job.id)


def test_a_paused_job_is_cancelled_at_once_and_loses_its_checkpoint(either_sessions):
    job = submit_job(either_sessions)
    apply_control(either_sessions, controls.pause_job, job.id)
    with either_sessions.begin() as session:
        columns = {"bytes": 1, "attempt": 1, "epoch": 0, "step": 1, "created_at": get_current_time(session)}
        session.add(Checkpoint(job_id=job.id, sha256="a" * 64, **columns))
    assert apply_control(either_sessions, controls.cancel_job, job.id).state is JobState.CANCELLED
    cancelled = load_details(either_sessions, job.id)
    assert "while it was paused" in cancelled.job.reason["message"]
    assert cancelled.checkpoint is None
    with either_sessions.read() as session:
        assert session.get(DiscardedFile, "a" * 64) is not None


def test_a_running_job_is_requested_to_finish_and_the_request_survives_the_loss_of_its_worker(either_sessions):
    job = submit_job(either_sessions)
    claim = attempt_factories.claim_job(either_sessions)
    apply_control(either_sessions, controls.pause_job, job.id)
    attempt_factories.record_epochs(either_sessions, claim, [0, 1])
    finished = apply_control(either_sessions, controls.finish_job, job.id)
    assert (finished.state, finished.finish_after_epochs, finished.pause_requested) == (JobState.RUNNING, 2, False)
    attempt_factories.record_epochs(either_sessions, claim, [2])
    assert apply_control(either_sessions, controls.finish_job, job.id).finish_after_epochs == 2
    with pytest.raises(Conflict, match="being finished"):
        apply_control(either_sessions, controls.pause_job, job.id)
    attempt_factories.lose_attempt(either_sessions, claim)
    again = attempt_factories.claim_job(either_sessions)
    assert (again.attempt, again.finish_after) == (2, 2)
    attempt_factories.conclude_attempt(either_sessions, again)
    assert apply_control(either_sessions, controls.finish_job, job.id).state is JobState.SUCCEEDED


def test_a_paused_job_is_queued_to_finish_from_its_checkpoint(either_sessions):
    job = submit_job(either_sessions)
    apply_control(either_sessions, controls.pause_job, job.id)
    with either_sessions.begin() as session:
        columns = {"bytes": 1, "attempt": 1, "epoch": 0, "step": 1, "created_at": get_current_time(session)}
        session.add(Checkpoint(job_id=job.id, sha256="a" * 64, **columns))
    assert apply_control(either_sessions, controls.finish_job, job.id).state is JobState.QUEUED
    assert load_job(either_sessions, job).reason["code"] == "finish_requested"
    claim = attempt_factories.claim_job(either_sessions)
    assert (claim.finish_after, claim.checkpoint.step) == (0, 1)


def test_a_job_without_trained_weights_cannot_be_finished(sessions):
    job = submit_job(sessions)
    for state in (JobState.QUEUED, JobState.PAUSED):
        with pytest.raises(Conflict) as caught:
            apply_control(sessions, controls.finish_job, job.id)
        assert (caught.value.code, load_job(sessions, job).state) == ("not_started", state)
        if state is JobState.QUEUED:
            apply_control(sessions, controls.pause_job, job.id)


def test_a_job_whose_work_was_lost_finishes_after_one_epoch_at_least(sessions):
    job = submit_job(sessions)
    claim = attempt_factories.claim_job(sessions)
    apply_control(sessions, controls.finish_job, job.id)
    attempt_factories.lose_attempt(sessions, claim)
    assert attempt_factories.claim_job(sessions).finish_after == 1


def test_a_job_that_is_being_cancelled_cannot_be_finished_and_one_that_finishes_can_be_cancelled(sessions):
    job = submit_job(sessions)
    attempt_factories.claim_job(sessions)
    apply_control(sessions, controls.finish_job, job.id)
    assert apply_control(sessions, controls.cancel_job, job.id).cancel_requested
    other = submit_job(sessions)
    attempt_factories.claim_job(sessions)
    apply_control(sessions, controls.cancel_job, other.id)
    with pytest.raises(Conflict, match="being cancelled"):
        apply_control(sessions, controls.finish_job, other.id)


def test_a_job_that_waits_after_a_lost_attempt_is_cancelled_at_once(sessions):
    job = submit_job(sessions)
    attempt_factories.lose_attempt(sessions, attempt_factories.claim_job(sessions))
    apply_control(sessions, controls.cancel_job, job.id)
    assert "while it waited" in load_details(sessions, job.id).job.reason["message"]


@pytest.mark.parametrize("control", [controls.pause_job, controls.resume_job, controls.finish_job])
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED, JobState.CANCELLED])
def test_a_job_that_has_ended_can_be_neither_paused_nor_resumed_nor_finished(sessions, control, state):
    job = run_to_end(sessions, state)
    with pytest.raises(Conflict) as caught:
        apply_control(sessions, control, job.id)
    assert caught.value.code == "already_finished"
    assert load_details(sessions, job.id).job.state is state


@pytest.mark.parametrize(
    "changes",
    [{}, {"network": {"layers": [{"type": "Dense", "units": 1}]}, "training": {"loss": "mse", "metrics": []}}],
    ids=["classification", "regression"],
)
def test_a_submitted_job_stores_the_task_and_the_estimates_of_the_check(either_sessions, changes):
    job = load_job(either_sessions, submit_job(either_sessions, **changes))
    report = check_job_spec(either_sessions, job)
    assert Task.model_validate(job.task) == report.task
    assert (job.step_flops, job.memory_estimate) == (report.step_flops, report.memory.total_bytes)


def test_a_number_that_is_too_large_for_its_column_is_clipped(either_sessions):
    """The number of rows with a value is unknown, so only the batch size bounds the operations of a step."""
    data = {
        "dataset": "builtin:iris",
        "target": {"column": "target"},
        "split": {"validation": {"method": "column", "column": "target", "values": [2]}},
    }
    job = load_job(either_sessions, submit_job(either_sessions, data=data, training={"batch_size": 2**60}))
    assert check_job_spec(either_sessions, job).step_flops > 2**63
    assert job.step_flops == 2**63 - 1


@pytest.mark.parametrize("control", [controls.cancel_job, controls.pause_job, controls.resume_job])
def test_controls_of_a_missing_job_raise_not_found(sessions, control):
    with pytest.raises(NotFound):
        apply_control(sessions, control, new_id())


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED, JobState.CANCELLED])
def test_a_retry_has_the_seed_and_the_dataset_of_the_ended_job(sessions, state):
    first = run_to_end(sessions, state)
    with sessions.begin() as session:
        retry = insertion.submit_job(session, validation.validate_retry(session, first.id, Limits()))
    assert retry.id != first.id
    assert (retry.retry_of, retry.state, retry.attempt) == (first.id, JobState.QUEUED, 0)
    assert (retry.spec, retry.dataset_id, retry.architecture) == (first.spec, first.dataset_id, first.architecture)
    assert (retry.task, retry.step_flops, retry.memory_estimate) == (
        first.task,
        first.step_flops,
        first.memory_estimate,
    )
    assert load_details(sessions, first.id).job.state is state


def test_a_job_that_has_not_ended_is_not_retried(either_sessions):
    job = submit_job(either_sessions)
    for step in (lambda: None, lambda: attempt_factories.claim_job(either_sessions)):
        step()
        with either_sessions.read() as session, pytest.raises(Conflict) as caught:
            validation.validate_retry(session, job.id, Limits())
        assert caught.value.code == "not_finished"


def test_a_job_whose_dataset_was_deleted_is_not_retried(sessions):
    job = run_to_end(sessions, JobState.FAILED)
    with sessions.begin() as session:  # as the foreign key does when the dataset is deleted
        queries.get_job(session, job.id).dataset_id = None
    with sessions.read() as session, pytest.raises(Conflict) as caught:
        validation.validate_retry(session, job.id, Limits())
    assert caught.value.code == "dataset_deleted"


def test_a_retry_is_checked_against_the_current_limits(sessions):
    job = run_to_end(sessions, JobState.FAILED)
    with sessions.read() as session, pytest.raises(SpecError, match="max_epochs"):
        validation.validate_retry(session, job.id, Limits(max_epochs=1))


def test_one_idempotency_key_creates_one_retry(either_sessions):
    first, key = run_to_end(either_sessions, JobState.FAILED), Idempotency("retry", "0" * 64)

    def retry():
        with either_sessions.begin() as session:
            return insertion.submit_job(session, validation.validate_retry(session, first.id, Limits()), key).id

    assert retry() == retry()


def test_changes_of_name_tags_and_priority_reach_the_columns_and_the_spec(either_sessions):
    job = submit_job(either_sessions, tags=["a", "old"])
    with either_sessions.begin() as session:
        controls.change_job(session, job.id, JobChanges.model_validate(CHANGES))
    changed = load_details(either_sessions, job.id)
    assert (changed.job.name, list(changed.tags), changed.job.priority) == ("other", ["a", "b"], 9)
    assert changed.job.spec["run"] == job.spec["run"] | {"priority": 9}
    assert changed.job.spec["tags"] == ["b", "a", "b"]
    with either_sessions.begin() as session:
        controls.change_job(session, job.id, JobChanges.model_validate({"name": None}))
    assert load_details(either_sessions, job.id).job.name is None
    assert load_details(either_sessions, job.id).job.priority == 9


def test_a_job_with_a_raised_priority_is_claimed_first(either_sessions):
    _, second = submit_job(either_sessions), submit_job(either_sessions)
    with either_sessions.begin() as session:
        controls.change_job(session, second.id, JobChanges(priority=6))
    assert attempt_factories.claim_job(either_sessions).job_id == second.id


def test_a_job_that_has_ended_can_change_its_name_but_not_its_priority(sessions):
    job = run_to_end(sessions, JobState.SUCCEEDED)
    with sessions.begin() as session, pytest.raises(Conflict):
        controls.change_job(session, job.id, JobChanges(priority=6))
    with sessions.begin() as session:
        assert controls.change_job(session, job.id, JobChanges(name="best")).name == "best"


def test_a_repeated_tag_is_stored_once(sessions):
    assert list(load_details(sessions, submit_job(sessions, tags=["x", "x"]).id).tags) == ["x"]
