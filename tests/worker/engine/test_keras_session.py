"""Networks of one process are named, and saved, as by a script that makes no other."""

import keras
import pytest

from tests.worker.engine.parts import numbers, spec
from tests.worker.engine.test_same_bits import by_keras
from tests.worker.stock import trained
from worker.engine import Engine

STACK = [{"type": "Dense", "units": 4}, {"type": "BatchNormalization"}, {"type": "Dense", "units": 1}]


def names(network):
    """Of every variable: its own and its path, by which a file of weights knows it."""
    return [(variable.name, variable.path) for variable in (*network.variables, *network.optimizer.variables)]


@pytest.mark.parametrize("optimizer", ["adam", "ScheduleFreeAdamW"])
def test_variables_have_the_names_that_keras_gives_them(optimizer):
    engine, wanted = Engine(2**30), spec(STACK, optimizer=optimizer, epochs=1)
    trained(wanted, numbers(), engine)
    second, _ = trained(wanted, numbers(), engine)
    assert names(second.network) == names(by_keras(wanted, numbers())[0])


def test_a_model_is_saved_without_making_an_optimizer(tmp_path, monkeypatch):
    outcome, _ = trained(spec(STACK, epochs=1), numbers())
    made = []
    begun = keras.optimizers.Optimizer.__init__

    def counted(optimizer, *given, **named):
        made.append(optimizer)
        begun(optimizer, *given, **named)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", counted)
    outcome.network.save(tmp_path / "model.keras")
    assert made == []
    assert keras.saving.load_model(tmp_path / "model.keras").count_params() == outcome.network.count_params()
