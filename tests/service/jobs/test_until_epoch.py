"""The epoch after which a job pauses itself: set, reached, raised and removed, on both databases."""

import pytest

from models import Checkpoint, DiscardedFile, JobState
from service.errors import Conflict, InvalidInput
from service.history import metric_history
from service.jobs import controls, queries, retention
from service.jobs.submission import JobSubmitter
from service.storage import file_references
from stackyard.spec import JobChanges, Limits, SpecError
from tests import attempt_factories
from tests.factories import submit_job


def apply_control(sessions, control, job_id, *arguments):
    with sessions.begin() as session:
        return control(session, job_id, *arguments)


def load_job(sessions, job_id):
    with sessions.read() as session:
        return queries.get_job(session, job_id)


def hold_job(sessions, until_epoch=1):
    """Return a job of three epochs that has paused after some."""
    job = submit_job(sessions, run={"until_epoch": until_epoch})
    attempt_factories.stop_at_until_epoch(sessions, attempt_factories.claim_job(sessions), until_epoch)
    return job


def test_a_job_pauses_at_its_until_epoch_and_is_queued_again_when_the_number_is_raised(either_sessions):
    job = submit_job(either_sessions, run={"until_epoch": 1})
    claim = attempt_factories.claim_job(either_sessions)
    assert claim.until_epoch == 1
    attempt_factories.stop_at_until_epoch(either_sessions, claim, 1)
    held = load_job(either_sessions, job.id)
    assert (held.state, held.reason["code"], held.reason["epoch"]) == (JobState.PAUSED, "until_epoch", 0)
    assert "1 of 3 epochs" in held.reason["message"]

    raised = apply_control(either_sessions, controls.set_until_epoch, job.id, 2)
    assert (raised.state, raised.until_epoch) == (JobState.QUEUED, 2)
    assert raised.spec["run"]["until_epoch"] == 2
    claim = attempt_factories.claim_job(either_sessions)
    assert (claim.until_epoch, claim.checkpoint.epoch, claim.spent_s) == (2, 1, 1.5)
    attempt_factories.stop_at_until_epoch(either_sessions, claim, 2)
    assert apply_control(either_sessions, controls.set_until_epoch, job.id, None).state is JobState.QUEUED
    assert attempt_factories.claim_job(either_sessions).until_epoch is None


def test_an_equal_or_lower_number_keeps_the_job_paused(sessions):
    job = hold_job(sessions, 2)
    for number in (2, 1):
        assert apply_control(sessions, controls.set_until_epoch, job.id, number).state is JobState.PAUSED
        assert apply_control(sessions, controls.resume_job, job.id, number).state is JobState.PAUSED


def test_a_number_that_is_raised_while_the_worker_stops_is_not_lost(either_sessions):
    job = submit_job(either_sessions, run={"until_epoch": 1})
    claim = attempt_factories.claim_job(either_sessions)
    assert apply_control(either_sessions, controls.set_until_epoch, job.id, 3).state is JobState.RUNNING
    attempt_factories.stop_at_until_epoch(either_sessions, claim, 1)
    queued = load_job(either_sessions, job.id)
    assert (queued.state, queued.reason["code"]) == (JobState.QUEUED, "handed_back")


@pytest.mark.parametrize(
    ("control", "state", "code"),
    [
        (controls.cancel_job, JobState.CANCELLED, "cancelled"),
        (controls.pause_job, JobState.PAUSED, "paused"),
        (controls.finish_job, JobState.QUEUED, "handed_back"),
    ],
)
def test_a_request_of_a_client_comes_before_the_until_epoch(sessions, control, state, code):
    job = submit_job(sessions, run={"until_epoch": 1})
    claim = attempt_factories.claim_job(sessions)
    apply_control(sessions, control, job.id)
    attempt_factories.stop_at_until_epoch(sessions, claim, 1)
    after = load_job(sessions, job.id)
    assert (after.state, after.reason["code"]) == (state, code)


def test_a_job_that_a_client_paused_stays_paused_when_the_number_is_raised(sessions):
    job = submit_job(sessions, run={"until_epoch": 1})
    apply_control(sessions, controls.pause_job, job.id)
    assert apply_control(sessions, controls.set_until_epoch, job.id, 2).state is JobState.PAUSED
    resumed = apply_control(sessions, controls.resume_job, job.id)
    assert (resumed.state, resumed.until_epoch) == (JobState.QUEUED, 2)


def test_a_resume_without_a_number_trains_a_held_job_to_its_end(sessions):
    job = hold_job(sessions)
    resumed = apply_control(sessions, controls.resume_job, job.id)
    assert (resumed.state, resumed.until_epoch) == (JobState.QUEUED, None)


def test_a_held_job_can_be_finished_and_cancelled(sessions):
    finished, cancelled = hold_job(sessions), hold_job(sessions)
    assert apply_control(sessions, controls.finish_job, finished.id).state is JobState.QUEUED
    assert attempt_factories.claim_job(sessions).finish_after == 1
    assert apply_control(sessions, controls.cancel_job, cancelled.id).state is JobState.CANCELLED


def test_a_lost_attempt_queues_its_job_again_whatever_its_until_epoch_is(sessions):
    job = submit_job(sessions, run={"until_epoch": 1})
    claim = attempt_factories.claim_job(sessions, lease_s=0.0)
    attempt_factories.record_epochs(sessions, claim, [0])
    assert attempt_factories.recover_lost_attempts(sessions) == 1
    assert load_job(sessions, job.id).state is JobState.QUEUED


def test_a_change_sets_the_number_and_the_rest_in_one_transaction(sessions):
    job = hold_job(sessions)
    changes = JobChanges.model_validate({"until_epoch": 2, "name": "wide", "priority": 7})
    changed = apply_control(sessions, controls.change_job, job.id, changes)
    assert (changed.until_epoch, changed.name, changed.state) == (2, "wide", JobState.QUEUED)
    assert changed.spec["run"] == {
        "device": "auto",
        "backend": "auto",
        "priority": 7,
        "time_limit_s": None,
        "until_epoch": 2,
    }


def test_a_number_beyond_the_last_epoch_is_refused_and_an_ended_job_keeps_its_number(sessions):
    with pytest.raises(SpecError) as refused:
        submit_job(sessions, run={"until_epoch": 4})
    assert refused.value.faults[0].pointer == "/run/until_epoch"
    job = hold_job(sessions)
    with pytest.raises(InvalidInput, match="at most 3"):
        apply_control(sessions, controls.set_until_epoch, job.id, 4)
    apply_control(sessions, controls.cancel_job, job.id)
    with pytest.raises(Conflict) as caught:
        apply_control(sessions, controls.set_until_epoch, job.id, 3)
    assert caught.value.code == "already_finished"


def test_a_continued_job_has_the_progress_of_the_first_and_the_same_key_makes_only_one(either_sessions):
    first = submit_job(either_sessions)
    attempt_factories.succeed_with_checkpoint(either_sessions, attempt_factories.claim_job(either_sessions), 3)
    submitter = JobSubmitter(either_sessions, Limits(), NoNotifier())
    longer = submitter.continue_training(first.id, 5, "key")
    assert (longer.job.state, longer.job.epochs, longer.job.epochs_done) == (JobState.QUEUED, 5, 3)
    assert [(metric.name, metric.best) for metric in longer.metrics] == [("loss", 0.0)]
    assert (longer.checkpoint.epoch, longer.job.continued_from) == (3, first.id)
    assert submitter.continue_training(first.id, 5, "key").job.id == longer.job.id
    with pytest.raises(Conflict, match="another body"):
        submitter.continue_training(first.id, 6, "key")

    apply_control(either_sessions, controls.delete_job, first.id)
    claim = attempt_factories.claim_job(either_sessions)
    assert (claim.job_id, claim.continued_from, claim.checkpoint.epoch) == (longer.job.id, first.id, 3)
    assert claim.summaries["loss"].last == 2.0
    assert claim.spent_s > 0
    with either_sessions.read() as session:
        assert metric_history.load_history(session, longer.job.id).metrics == {"loss": [0.0, 1.0, 2.0]}
        assert session.get(DiscardedFile, longer.checkpoint.sha256) is not None
        assert longer.checkpoint.sha256 in file_references.list_referenced_files(session)


def test_old_final_checkpoints_are_deleted_and_those_of_held_jobs_stay(either_sessions):
    held = submit_job(either_sessions, run={"until_epoch": 1})
    attempt_factories.stop_at_until_epoch(either_sessions, attempt_factories.claim_job(either_sessions), 1)
    ended = submit_job(either_sessions)
    attempt_factories.succeed_with_checkpoint(either_sessions, attempt_factories.claim_job(either_sessions), 3)
    assert retention.delete_final_checkpoints(either_sessions, days=1) == 0
    assert retention.delete_final_checkpoints(either_sessions, days=0) == 1
    with either_sessions.read() as session:
        assert [row.job_id for row in session.query(Checkpoint)] == [held.id]
    with pytest.raises(Conflict) as caught:
        JobSubmitter(either_sessions, Limits(), NoNotifier()).continue_training(ended.id, 5)
    assert caught.value.code == "no_checkpoint"


class NoNotifier:
    """Takes notifications for queues without workers."""

    def notify_queue(self, queue, count):
        del queue, count
