"""An attempt takes the task and the warnings from its job's row: the check at submit found them."""

import pytest

from models import Job, JobState
from service.jobs import attempts
from tests.factories import submit
from tests.worker.stock import Told
from worker.attempt.job_training import train
from worker.engine import Engine
from worker.preparation import Preparer

CLASSES = ["first", "second", "third"]
DIVERGES = {
    "network": {"layers": [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 1}]},
    "training": {"loss": "mse", "metrics": [], "optimizer": {"type": "SGD", "learning_rate": 1e20}},
}


@pytest.fixture
def concluded(sessions, store, settings):
    """Train a job whose row was changed since its submit, and return how its attempt ended."""

    def concluded(changes, **spec):
        job = submit(sessions, **spec)
        with sessions.begin() as session:
            row = session.get_one(Job, job.id)
            for column, value in changes.items():
                setattr(row, column, value)
        with sessions.begin() as session:
            claim = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
        conclusion = train(claim, Told(), store, Preparer(settings), Engine(2**30))
        with sessions.begin() as session:
            attempts.conclude(session, claim, conclusion)
        return conclusion

    return concluded


def test_the_classes_are_those_on_the_row(concluded):
    conclusion = concluded({"task": {"kind": "classification", "classes": CLASSES}})
    assert conclusion.evaluation["confusion"]["classes"] == CLASSES


def test_a_job_of_an_earlier_release_is_checked_for_its_task(concluded):
    kept = concluded({}).evaluation["confusion"]
    assert concluded({"task": None}).evaluation["confusion"] == kept
    assert len(kept["classes"]) == 3


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
    ids=["none", "another", "one that fits"],
)
def test_the_hint_of_a_divergence_is_the_warning_on_the_row(concluded, warnings, hint):
    conclusion = concluded({"warnings": warnings}, **DIVERGES)
    assert conclusion.state is JobState.DIVERGED
    assert conclusion.why["hint"] == hint
