"""A training that ends early, by a client or a callback, has the bits of Keras's and says which weights it keeps."""

import keras
import numpy as np
import pytest

from tests.worker.keras_reference import (
    BATCH,
    ROWS,
    RecordingObserver,
    SnapshotObserver,
    build_spec,
    create_network_builder,
    draw_data,
    fit_with_keras,
    train_with_engine,
)
from worker.engine import Engine, training_loop
from worker.engine.program import call_size

LAYERS = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", {"type": "Dense", "units": 1}]
STEPS = ROWS // BATCH
EPOCHS = 20
RESTORE = {"type": "EarlyStopping", "monitor": "loss", "patience": 50, "restore_best_weights": True}


class FinishingObserver(SnapshotObserver):
    """Ends the training at a step of an epoch. It counts the checks between calls, which take one step each."""

    def __init__(self, epoch, step):
        super().__init__()
        self._epoch, self._step = epoch, step
        self._first_check = 0

    def record_epoch(self, epoch, metrics):
        super().record_epoch(epoch, metrics)
        self._first_check = self.checks

    def wants_finish(self, epochs):
        return epochs > self._epoch or (epochs == self._epoch and self.checks - self._first_check >= self._step)


class StopAtStep(keras.callbacks.Callback):
    """Ends a training of stock Keras at the same step."""

    def __init__(self, epoch, step):
        super().__init__()
        self._last = (epoch, step - 1)
        self._current_epoch = 0

    def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002  # as Keras calls it
        self._current_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002  # as Keras calls it
        if (self._current_epoch, batch) == self._last:
            self.model.stop_training = True


@pytest.fixture(scope="module")
def engine():
    """One engine, which traces the program of these trainings once."""
    return Engine(2**30)


@pytest.fixture
def _stepwise(monkeypatch):
    monkeypatch.setattr(call_size.CallSizer, "steps", 1)
    monkeypatch.setattr(training_loop, "TARGET_CALL_S", 0.0)


def build_job(callbacks=()):
    optimizer = {"type": "SGD", "learning_rate": 0.3}
    return build_spec(LAYERS, epochs=EPOCHS, optimizer=optimizer, metrics=["mae"], callbacks=list(callbacks))


def find_snapshot(observer, epoch, step):
    return next(snapshot for snapshot in observer.snapshots if (snapshot.epoch, snapshot.step) == (epoch, step))


def list_bits(outcome):
    return [weights.tobytes() for weights in outcome.network.get_weights()]


@pytest.mark.usefixtures("_stepwise")
@pytest.mark.parametrize(
    "callbacks",
    [pytest.param([], id="last weights", marks=pytest.mark.exhaustive), pytest.param([RESTORE], id="best weights")],
)
def test_a_training_that_is_finished_within_an_epoch_equals_one_that_keras_stops_there(callbacks, engine):
    spec, (epoch, step) = build_job(callbacks), (3, 2)
    outcome, observer = train_with_engine(spec, observer=FinishingObserver(epoch, step), engine=engine)
    arguments = {name: value for name, value in RESTORE.items() if name != "type"}
    stoppings = [keras.callbacks.EarlyStopping(**arguments) for _ in callbacks]
    network, history = fit_with_keras(
        create_network_builder(spec, draw_data())(), callbacks=[*stoppings, StopAtStep(epoch, step)], epochs=EPOCHS
    )
    assert observer.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())

    end = outcome.early_end
    assert (end.epoch, end.is_cut, end.stopped_by) == (epoch, True, None)
    best = int(np.argmin(history["loss"]))
    assert (end.weights_epoch, end.restored_by) == ((best, "loss") if callbacks else (epoch, None))


@pytest.mark.usefixtures("_stepwise")
def test_a_finished_training_that_is_interrupted_in_its_last_validation_ends_the_same(engine):
    spec, (epoch, step) = build_job([RESTORE]), (3, 2)
    outcome, observer = train_with_engine(spec, observer=FinishingObserver(epoch, step), engine=engine)
    snapshot = find_snapshot(observer, epoch, STEPS + 1)
    assert snapshot.stopped
    resumed, other_observer = train_with_engine(spec, snapshot=snapshot, engine=engine)
    assert other_observer.epochs == observer.epochs[epoch:]
    assert (resumed.early_end, list_bits(resumed)) == (outcome.early_end, list_bits(outcome))


@pytest.mark.usefixtures("_stepwise")
def test_a_training_that_is_to_finish_trains_no_step_beyond_its_snapshot(engine):
    spec = build_job()
    _, observer = train_with_engine(spec, observer=SnapshotObserver(), engine=engine)
    snapshot = find_snapshot(observer, 2, 0)
    outcome, other_observer = train_with_engine(
        spec, snapshot=snapshot, observer=FinishingObserver(0, 0), engine=engine
    )
    assert other_observer.epochs == []
    assert (outcome.early_end.epoch, outcome.early_end.is_cut) == (1, False)
    shorter, _ = train_with_engine(replace_epochs(spec, 2), engine=engine)
    assert list_bits(outcome) == list_bits(shorter)


@pytest.mark.parametrize("restores", [False, True])
def test_early_stopping_names_the_epoch_and_the_weights(restores, engine):
    stopping = {"type": "EarlyStopping", "monitor": "val_loss", "min_delta": 1000.0, "patience": 2}
    outcome, observer = train_with_engine(build_job([stopping | {"restore_best_weights": restores}]), engine=engine)
    end = outcome.early_end
    assert (len(observer.epochs), end.epoch, end.stopped_by, end.is_cut) == (3, 2, "val_loss", False)
    assert (end.weights_epoch, end.restored_by) == ((0, "val_loss") if restores else (2, None))


def test_a_training_of_all_epochs_has_no_early_end(engine):
    stopping = {"type": "EarlyStopping", "monitor": "val_loss", "min_delta": 1000.0, "patience": 2}
    for spec in (replace_epochs(build_job(), 3), replace_epochs(build_job([stopping]), 3)):
        assert train_with_engine(spec, observer=RecordingObserver(), engine=engine)[0].early_end is None


def replace_epochs(spec, epochs):
    return spec.model_copy(update={"training": spec.training.model_copy(update={"epochs": epochs})})
