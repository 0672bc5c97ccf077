"""Later networks of a process are named and saved like the first one of a script."""

import keras
import pytest

from tests.worker.engine.sample_jobs import build_spec, draw_numbers
from tests.worker.engine.test_same_bits import fit_by_spec
from tests.worker.keras_reference import train_with_engine
from worker.engine import Engine

STACK = [{"type": "Dense", "units": 4}, {"type": "BatchNormalization"}, {"type": "Dense", "units": 1}]


def list_names(network):
    """Return the name and the path of every variable; weight files use the path."""
    return [(variable.name, variable.path) for variable in (*network.variables, *network.optimizer.variables)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimizer", ["adam", "ScheduleFreeAdamW"])
def test_variables_have_the_names_of_keras(optimizer):
    engine, job_spec = Engine(2**30), build_spec(STACK, optimizer=optimizer, epochs=1)
    train_with_engine(job_spec, draw_numbers(), engine)
    second, _ = train_with_engine(job_spec, draw_numbers(), engine)
    assert list_names(second.network) == list_names(fit_by_spec(job_spec, draw_numbers())[0])


def test_saving_a_model_creates_no_optimizer(tmp_path, monkeypatch):
    outcome, _ = train_with_engine(build_spec(STACK, epochs=1), draw_numbers())
    created = []
    original = keras.optimizers.Optimizer.__init__

    def record(optimizer, *args, **kwargs):
        created.append(optimizer)
        original(optimizer, *args, **kwargs)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", record)
    outcome.network.save(tmp_path / "model.keras")
    assert created == []
    assert keras.saving.load_model(tmp_path / "model.keras").count_params() == outcome.network.count_params()
