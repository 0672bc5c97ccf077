"""An attempt uses the task and the warnings that the check at submit stored in the job's row."""

import pytest

from models import Job, JobState
from service.jobs import attempts
from tests.factories import submit_job
from tests.worker.keras_reference import RecordingObserver
from worker.attempt.job_training import train_job
from worker.engine import Engine
from worker.preparation import Preparer

CLASSES = ["first", "second", "third"]
DIVERGES = {
    "network": {"layers": [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 1}]},
    "training": {"loss": "mse", "metrics": [], "optimizer": {"type": "SGD", "learning_rate": 1e20}},
}


@pytest.fixture
def train_changed_job(sessions, store, settings):
    """Train a job whose row was changed after its submit, and return the conclusion of its attempt."""

    def train_changed_job(changes, **spec):
        job = submit_job(sessions, **spec)
        with sessions.begin() as session:
            row = session.get_one(Job, job.id)
            for column, value in changes.items():
                setattr(row, column, value)
        with sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
        conclusion = train_job(claim, RecordingObserver(), store, Preparer(settings), Engine(2**30))
        with sessions.begin() as session:
            attempts.conclude_attempt(session, claim, conclusion)
        return conclusion

    return train_changed_job


def test_the_classes_come_from_the_row(train_changed_job):
    conclusion = train_changed_job({"task": {"kind": "classification", "classes": CLASSES}})
    assert conclusion.evaluation["confusion"]["classes"] == CLASSES


def test_a_job_of_an_earlier_release_is_checked_for_its_task(train_changed_job):
    expected = train_changed_job({}).evaluation["confusion"]
    assert train_changed_job({"task": None}).evaluation["confusion"] == expected
    assert len(expected["classes"]) == 3


@pytest.mark.parametrize(
    ("warnings", "hint"),
    [
        ([], None),
        ([{"code": "other", "pointer": "", "message": "another", "fix": "none"}], None),
        (
            [{"code": "unscaled_features", "pointer": "/data", "message": "too wide", "fix": "scale"}],
            "too wide: scale.",
        ),
    ],
    ids=["no warning", "another warning", "unscaled features"],
)
def test_the_hint_of_a_divergence_is_the_warning_in_the_row(train_changed_job, warnings, hint):
    conclusion = train_changed_job({"warnings": warnings}, **DIVERGES)
    assert conclusion.state is JobState.DIVERGED
    assert conclusion.reason["hint"] == hint
