"""Trainings with callbacks are bit-identical to those of a stock Keras script."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from stackyard.spec.check.callbacks import list_history_columns
from tests.worker.keras_reference import build_spec, draw_data, fit_script, train_with_engine

K = keras.layers
C = keras.callbacks

LAYERS = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", {"type": "Dense", "units": 1}]
EPOCHS = 12


def build_layers():
    return [K.Dense(8, activation="relu"), K.BatchNormalization(), K.Dense(1)]


CASES = {
    "EarlyStopping": {"patience": 1, "min_delta": 0.05, "restore_best_weights": True, "start_from_epoch": 2},
    "ReduceLROnPlateau": {"patience": 1, "min_delta": 0.1, "factor": 0.5, "cooldown": 1, "min_lr": 0.02},
    "TerminateOnNaN": {},
    "SwapEMAWeights": {},
    "SwapEMAWeights, in every epoch": {"swap_on_epoch": True},
}
EMA = {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}


def compare_with_script(spec_callbacks, keras_callbacks, optimizer):
    """Assert that the engine's history and weights equal the script's, and return the spec and history."""
    spec = build_spec(LAYERS, optimizer={"type": "SGD", **optimizer}, callbacks=spec_callbacks, epochs=EPOCHS)
    outcome, observer = train_with_engine(spec)
    build_optimizer = lambda: keras.optimizers.SGD(**optimizer)  # noqa: E731  # it must be built after the seed is set
    network, history = fit_script(build_layers, build_optimizer, callbacks=keras_callbacks, epochs=EPOCHS)
    assert outcome.divergence is None
    assert observer.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    return spec, history


EFFECTS = {
    "EarlyStopping": lambda history: len(history["loss"]) < EPOCHS,
    "ReduceLROnPlateau": lambda history: len(set(history["learning_rate"])) > 2,
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES)
def test_a_callback_equals_keras_own(case):
    name = case.partition(",")[0]
    spec, history = compare_with_script([{"type": name, **CASES[case]}], [getattr(C, name)(**CASES[case])], EMA)
    assert list(history) == list(list_history_columns(spec.training, has_validation=True))
    assert case not in EFFECTS or EFFECTS[case](history)


def test_validation_uses_the_moving_averages():
    optimizer = {"type": "SGD", **EMA}
    plain, swapped = (
        train_with_engine(build_spec(LAYERS, optimizer=optimizer, callbacks=spec_callbacks))[1].columns()["val_loss"]
        for spec_callbacks in ([], ["SwapEMAWeights"])
    )
    assert set(plain).isdisjoint(swapped)


@pytest.mark.jax
def test_several_callbacks_keep_their_order():
    schedule = {"type": "PiecewiseConstantDecay", "boundaries": [2, 5], "values": [0.1, 0.05, 0.01]}
    spec_callbacks = [
        {"type": "LearningRateScheduler", "schedule": schedule},
        {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 0.1},
        {"type": "EarlyStopping", "monitor": "learning_rate", "mode": "min", "patience": 4},
    ]
    keras_callbacks = [
        C.LearningRateScheduler(lambda epoch: 0.1 if epoch <= 2 else 0.05 if epoch <= 5 else 0.01),
        C.ReduceLROnPlateau(patience=1, min_delta=0.1),
        C.EarlyStopping(monitor="learning_rate", mode="min", patience=4),
    ]
    spec, history = compare_with_script(spec_callbacks, keras_callbacks, {"learning_rate": 0.1})
    assert list(history) == list(list_history_columns(spec.training, has_validation=True))
    assert 6 < len(history["loss"]) < EPOCHS


def test_keras_rejects_schedulers_with_an_optimizer_schedule():
    rates = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    for callback in (C.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), C.ReduceLROnPlateau(patience=0)):
        with pytest.raises(TypeError, match="not settable"):
            fit_script(
                build_layers, lambda: keras.optimizers.SGD(learning_rate=rates), callbacks=[callback], epochs=EPOCHS
            )


def test_keras_rejects_swapping_without_moving_averages():
    with pytest.raises(ValueError, match="use_ema"):
        fit_script(build_layers, keras.optimizers.SGD, callbacks=[C.SwapEMAWeights()])


@pytest.mark.parametrize("validated", [True, False])
def test_the_history_has_the_names_of_the_check(validated):
    metrics = [{"type": "RootMeanSquaredError", "name": "zz"}, "mae"]
    spec = build_spec(LAYERS, metrics=metrics, callbacks=[{"type": "ReduceLROnPlateau", "monitor": "loss"}])
    data = draw_data() if validated else replace(draw_data(), x_validation=None, y_validation=None)
    _, observer = train_with_engine(spec, data)
    assert list(observer.columns()) == list(list_history_columns(spec.training, has_validation=validated))
