"""A training that goes on from a snapshot ends with the bits of one that nobody disturbed."""

from uuid import uuid4

import numpy as np
import pytest

from tests.worker.engine.parts import SCORES, numbers, spec
from tests.worker.engine.test_same_bits import variables
from tests.worker.stock import Told, trained
from worker import checkpoint
from worker.engine import Engine, pace

ROWS, BATCH, STEPS, TESTS, EPOCHS = 40, 8, 5, 3, 6


class Keeping(Told):
    """Wants every state that it can have."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def wants_checkpoint(self):
        return True

    def checkpoint(self, snapshot):
        assert len(self.epochs) == snapshot.epoch
        self.kept.append(snapshot)


@pytest.fixture
def each_step(monkeypatch):
    """Every call takes one step, so that a training can be taken up between any two."""
    monkeypatch.setattr(pace.Pace, "steps", 1)


@pytest.fixture
def through_file(tmp_path):
    def through_file(snapshot):
        job = uuid4()
        with (tmp_path / "checkpoint").open("wb") as file:
            checkpoint.write(snapshot, file, job_id=job, attempt=1)
        return checkpoint.read(tmp_path / "checkpoint", job_id=job)

    return through_file


def undisturbed(wanted, data, engine):
    """A training whose every state was kept, once it is found not to have been disturbed by that."""
    outcome, told = trained(wanted, data, engine, told=Keeping())
    alone, heard = trained(wanted, data, engine)
    same(outcome, told, alone, heard)
    return outcome, told


def same(outcome, told, whole, heard):
    assert outcome.diverged == whole.diverged
    np.testing.assert_equal(told.epochs, heard.epochs[len(heard.epochs) - len(told.epochs) :])
    for mine, theirs in zip(variables(outcome.network), variables(whole.network), strict=True):
        np.testing.assert_array_equal(mine, theirs)


STACK = [{"type": "Dropout", "rate": 0.3}, "BatchNormalization", *SCORES]
EMA = {"type": "Adam", "learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9, "gradient_accumulation_steps": 2}
PLATEAU = {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 0.1, "factor": 0.5, "cooldown": 1}
EARLY = {"type": "EarlyStopping", "patience": 2, "min_delta": 0.1, "restore_best_weights": True}
SCHEDULE = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.7}
SWAP = "SwapEMAWeights"
TRAININGS = {
    "nobody acts between epochs": {},
    "keras's order": {"shuffle": "keras"},
    "metrics that are no means": {"metrics": ["r2_score", "mae"]},
    "the rate falls on a plateau": {"callbacks": [PLATEAU]},
    "stopped early": {"callbacks": [EARLY], "epochs": 20},
    "a schedule of epochs": {"callbacks": [{"type": "LearningRateScheduler", "schedule": SCHEDULE}]},
    "tested with running means": {"optimizer": EMA, "callbacks": [SWAP]},
    "all at once": {
        "optimizer": EMA,
        "callbacks": [{"type": SWAP, "swap_on_epoch": True}, PLATEAU, EARLY],
        "metrics": ["r2_score"],
        "epochs": 20,
    },
}


@pytest.mark.usefixtures("each_step")
@pytest.mark.parametrize("case", TRAININGS)
def test_from_every_place(case, through_file):
    training = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": True, "optimizer": "adam"} | TRAININGS[case]
    wanted, data, engine = spec(STACK, **training), numbers(), Engine(2**30)
    whole, heard = undisturbed(wanted, data, engine)
    if case == "stopped early":
        assert heard.kept[-1].stopped
        assert len(heard.epochs) < 20
    else:
        assert heard.kept[-1].epoch == len(heard.epochs)
    places = {(one.epoch, one.step): one for one in heard.kept}
    chosen = [(0, 1), (1, 0), (1, 2), (1, STEPS), (1, STEPS + 1), (1, STEPS + TESTS), (2, 0), max(places)]
    for place in chosen:
        outcome, told = trained(wanted, data, engine, start=through_file(places[place]))
        same(outcome, told, whole, heard)
