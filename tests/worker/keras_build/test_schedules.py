"""Learning-rate schedules: trainings with them equal those of a stock Keras script, to the bit."""

import keras
import numpy as np
import pytest

from tests.worker.keras_reference import (
    BATCH,
    EPOCHS,
    ROWS,
    build_spec,
    create_network_builder,
    draw_data,
    fit_script,
    train_with_engine,
)

K = keras.layers
SCHEDULES = keras.optimizers.schedules

STEPS = EPOCHS * ROWS // BATCH

CASES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.1},
    "CosineDecay with warmup": {
        "initial_learning_rate": 0.0,
        "decay_steps": 9,
        "warmup_target": 0.1,
        "warmup_steps": 5,
    },
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3, "t_mul": 1.5, "m_mul": 0.9},
    "CosineDecayRestarts with equal periods": {
        "initial_learning_rate": 0.1,
        "first_decay_steps": 4,
        "t_mul": 1.0,
        "alpha": 0.2,
    },
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.7},
    "ExponentialDecay in stairs": {
        "initial_learning_rate": 0.1,
        "decay_steps": 5,
        "decay_rate": 0.7,
        "staircase": True,
    },
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 2.5, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [0, 5, 11], "values": [0.1, 0.05, 0.01, 0.0]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.01, "power": 2.0},
    "PolynomialDecay in cycles": {"initial_learning_rate": 0.1, "decay_steps": 7, "cycle": True},
}


def build_layers():
    return [K.Dense(8, activation="relu"), K.Dropout(0.2), K.Dense(1)]


LAYERS = [
    {"type": "Dense", "units": 8, "activation": "relu"},
    {"type": "Dropout", "rate": 0.2},
    {"type": "Dense", "units": 1},
]


def build_schedules(case):
    """Return a schedule's definition and the Keras schedule."""
    name = case.partition(" ")[0]
    return {"type": name, **CASES[case]}, getattr(SCHEDULES, name)(**CASES[case])


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES)
def test_a_training_equals_that_of_a_stock_script(case):
    definition, keras_schedule = build_schedules(case)
    outcome, observer = train_with_engine(build_spec(LAYERS, optimizer={"type": "Adam", "learning_rate": definition}))
    network, history = fit_script(build_layers, lambda: keras.optimizers.Adam(learning_rate=keras_schedule))
    assert observer.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    assert float(outcome.network.optimizer.learning_rate) == float(keras_schedule(STEPS))
    assert len({float(keras_schedule(step)) for step in range(STEPS)}) > 2


@pytest.mark.parametrize("case", ["CosineDecay with warmup", "ExponentialDecay", "PiecewiseConstantDecay"])
def test_a_schedule_by_epochs_equals_the_scheduler_of_a_stock_script(case):
    definition, keras_schedule = build_schedules(case)
    outcome, observer = train_with_engine(
        build_spec(LAYERS, callbacks=[{"type": "LearningRateScheduler", "schedule": definition}])
    )
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: float(keras_schedule(epoch)))
    network, history = fit_script(build_layers, keras.optimizers.SGD, callbacks=[scheduler])
    assert observer.columns() == history
    assert history["learning_rate"] == pytest.approx(
        [float(keras_schedule(epoch)) for epoch in range(EPOCHS)], rel=1e-6
    )
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "optimizer",
    "SGD RMSprop Adam AdamW Adamax Nadam Adadelta Adagrad Adafactor Ftrl Lamb Lion Muon ScheduleFreeAdamW".split(),  # noqa: SIM905
)
def test_every_optimizer_accepts_a_schedule(optimizer):
    definition, keras_schedule = build_schedules("ExponentialDecay")
    data = draw_data()
    network = create_network_builder(
        build_spec(LAYERS, optimizer={"type": optimizer, "learning_rate": definition}), data
    )()
    network.run_eagerly = True
    training = network.fit(data.x_train, data.y_train, batch_size=BATCH, verbose=0)
    assert np.isfinite(training.history["loss"])
    assert float(network.optimizer.learning_rate) == float(keras_schedule(STEPS // EPOCHS))


def test_a_network_with_a_schedule_can_be_saved_and_loaded(tmp_path):
    definition, _ = build_schedules("CosineDecay with warmup")
    outcome, _ = train_with_engine(
        build_spec(LAYERS, optimizer={"type": "SGD", "learning_rate": definition}, epochs=1)
    )
    outcome.network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer._learning_rate, SCHEDULES.CosineDecay)
