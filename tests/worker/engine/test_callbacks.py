"""Callbacks: what they make of a training is what they make of a stock Keras script's, to the bit."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from stackyard.spec.check.callbacks import history_names
from tests.worker.stock import rows, scripted, spec_of, trained

K = keras.layers
C = keras.callbacks

LAYERS = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", {"type": "Dense", "units": 1}]
EPOCHS = 12


def layers():
    return [K.Dense(8, activation="relu"), K.BatchNormalization(), K.Dense(1)]


CASES = {
    "EarlyStopping": {"patience": 1, "min_delta": 0.05, "restore_best_weights": True, "start_from_epoch": 2},
    "ReduceLROnPlateau": {"patience": 1, "min_delta": 0.1, "factor": 0.5, "cooldown": 1, "min_lr": 0.02},
    "TerminateOnNaN": {},
    "SwapEMAWeights": {},
    "SwapEMAWeights, in every epoch": {"swap_on_epoch": True},
}
EMA = {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}


def compared(given, theirs, optimizer):
    """The engine's history and weights, once they are found to be the script's."""
    spec = spec_of(LAYERS, optimizer={"type": "SGD", **optimizer}, callbacks=given, epochs=EPOCHS)
    outcome, told = trained(spec)
    make = lambda: keras.optimizers.SGD(**optimizer)  # noqa: E731  # the seed must be set when it is made
    network, history = scripted(layers, make, callbacks=theirs, epochs=EPOCHS)
    assert outcome.diverged is None
    assert told.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    return spec, history


EFFECTS = {
    "EarlyStopping": lambda history: len(history["loss"]) < EPOCHS,
    "ReduceLROnPlateau": lambda history: len(set(history["learning_rate"])) > 2,
}


@pytest.mark.parametrize("case", CASES)
def test_a_callback_is_keras_s_own(case):
    name = case.partition(",")[0]
    spec, history = compared([{"type": name, **CASES[case]}], [getattr(C, name)(**CASES[case])], EMA)
    assert list(history) == list(history_names(spec.training, validated=True))
    assert case not in EFFECTS or EFFECTS[case](history)


def test_the_running_means_are_what_is_validated():
    optimizer = {"type": "SGD", **EMA}
    plain, swapped = (
        trained(spec_of(LAYERS, optimizer=optimizer, callbacks=given))[1].columns()["val_loss"]
        for given in ([], ["SwapEMAWeights"])
    )
    assert set(plain).isdisjoint(swapped)


def test_several_at_once_keep_their_order():
    schedule = {"type": "PiecewiseConstantDecay", "boundaries": [2, 5], "values": [0.1, 0.05, 0.01]}
    given = [
        {"type": "LearningRateScheduler", "schedule": schedule},
        {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 0.1},
        {"type": "EarlyStopping", "monitor": "learning_rate", "mode": "min", "patience": 4},
    ]
    theirs = [
        C.LearningRateScheduler(lambda epoch: 0.1 if epoch <= 2 else 0.05 if epoch <= 5 else 0.01),
        C.ReduceLROnPlateau(patience=1, min_delta=0.1),
        C.EarlyStopping(monitor="learning_rate", mode="min", patience=4),
    ]
    spec, history = compared(given, theirs, {"learning_rate": 0.1})
    assert list(history) == list(history_names(spec.training, validated=True))
    assert 6 < len(history["loss"]) < EPOCHS


def test_what_is_refused_beside_an_optimizer_s_schedule_keras_refuses():
    rates = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    for callback in (C.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), C.ReduceLROnPlateau(patience=0)):
        with pytest.raises(TypeError, match="not settable"):
            scripted(layers, lambda: keras.optimizers.SGD(learning_rate=rates), callbacks=[callback], epochs=EPOCHS)


def test_what_is_refused_without_running_means_keras_refuses():
    with pytest.raises(ValueError, match="use_ema"):
        scripted(layers, keras.optimizers.SGD, callbacks=[C.SwapEMAWeights()])


@pytest.mark.parametrize("validated", [True, False])
def test_the_columns_are_foreseen(validated):
    metrics = [{"type": "RootMeanSquaredError", "name": "zz"}, "mae"]
    spec = spec_of(LAYERS, metrics=metrics, callbacks=[{"type": "ReduceLROnPlateau", "monitor": "loss"}])
    data = rows() if validated else replace(rows(), x_validation=None, y_validation=None)
    _, told = trained(spec, data)
    assert list(told.columns()) == list(history_names(spec.training, validated=validated))
