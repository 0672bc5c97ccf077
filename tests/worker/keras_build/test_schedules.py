"""Learning-rate schedules: the steps they make are those of a stock Keras script, to the bit."""

import keras
import numpy as np
import pytest

from tests.worker.stock import BATCH, EPOCHS, ROWS, builder, rows, scripted, spec_of, trained

K = keras.layers
S = keras.optimizers.schedules

STEPS = EPOCHS * ROWS // BATCH

CASES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.1},
    "CosineDecay, warmed up": {
        "initial_learning_rate": 0.0,
        "decay_steps": 9,
        "warmup_target": 0.1,
        "warmup_steps": 5,
    },
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3, "t_mul": 1.5, "m_mul": 0.9},
    "CosineDecayRestarts, of one length": {
        "initial_learning_rate": 0.1,
        "first_decay_steps": 4,
        "t_mul": 1.0,
        "alpha": 0.2,
    },
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.7},
    "ExponentialDecay, in stairs": {
        "initial_learning_rate": 0.1,
        "decay_steps": 5,
        "decay_rate": 0.7,
        "staircase": True,
    },
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 2.5, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [0, 5, 11], "values": [0.1, 0.05, 0.01, 0.0]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.01, "power": 2.0},
    "PolynomialDecay, again and again": {"initial_learning_rate": 0.1, "decay_steps": 7, "cycle": True},
}


def layers():
    return [K.Dense(8, activation="relu"), K.Dropout(0.2), K.Dense(1)]


LAYERS = [
    {"type": "Dense", "units": 8, "activation": "relu"},
    {"type": "Dropout", "rate": 0.2},
    {"type": "Dense", "units": 1},
]


def of_case(case):
    name = case.partition(",")[0]
    return {"type": name, **CASES[case]}, getattr(S, name)(**CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_a_training_equals_the_stock_script_s(case):
    ours, theirs = of_case(case)
    outcome, told = trained(spec_of(LAYERS, optimizer={"type": "Adam", "learning_rate": ours}))
    network, history = scripted(layers, lambda: keras.optimizers.Adam(learning_rate=theirs))
    assert told.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    assert float(outcome.network.optimizer.learning_rate) == float(theirs(STEPS))
    assert len({float(theirs(step)) for step in range(STEPS)}) > 2


@pytest.mark.parametrize("case", ["CosineDecay, warmed up", "ExponentialDecay", "PiecewiseConstantDecay"])
def test_by_epochs_it_equals_a_scheduler_of_the_stock_script(case):
    ours, theirs = of_case(case)
    outcome, told = trained(spec_of(LAYERS, callbacks=[{"type": "LearningRateScheduler", "schedule": ours}]))
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: float(theirs(epoch)))
    network, history = scripted(layers, keras.optimizers.SGD, callbacks=[scheduler])
    assert told.columns() == history
    assert history["learning_rate"] == pytest.approx([float(theirs(epoch)) for epoch in range(EPOCHS)], rel=1e-6)
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())


@pytest.mark.parametrize(
    "optimizer",
    "SGD RMSprop Adam AdamW Adamax Nadam Adadelta Adagrad Adafactor Ftrl Lamb Lion Muon ScheduleFreeAdamW".split(),  # noqa: SIM905
)
def test_every_optimizer_takes_one(optimizer):
    ours, theirs = of_case("ExponentialDecay")
    data = rows()
    network = builder(spec_of(LAYERS, optimizer={"type": optimizer, "learning_rate": ours}), data)()
    network.run_eagerly = True
    told = network.fit(data.x_train, data.y_train, batch_size=BATCH, verbose=0)
    assert np.isfinite(told.history["loss"])
    assert float(network.optimizer.learning_rate) == float(theirs(STEPS // EPOCHS))


def test_a_network_with_a_schedule_loads_again(tmp_path):
    ours, _ = of_case("CosineDecay, warmed up")
    outcome, _ = trained(spec_of(LAYERS, optimizer={"type": "SGD", "learning_rate": ours}, epochs=1))
    outcome.network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer._learning_rate, S.CosineDecay)
