"""Trainings whose loss stops being finite: the step, the layer, and the final state."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

from service.jobs import attempts
from stackyard.client.views import Reason
from stackyard.spec import parse_spec
from tests.conftest import require_shared_file
from tests.factories import submit_job
from tests.worker.keras_reference import (
    RecordingObserver,
    build_prepared_data,
    build_spec,
    create_network_builder,
    draw_data,
    fit_with_keras,
    train_with_engine,
)
from worker.attempt.job_training import train_job
from worker.engine import Divergence, Engine, ForwardPass, LayerReference, engine, training_state
from worker.engine.backend.program_selection import select_program_class
from worker.engine.diagnosis import ReplayObserver, diagnose_divergence
from worker.engine.rows import build_training_rows, build_validation_rows
from worker.engine.training_loop import TrainingLoop
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import Preparer


def find_first_nonfinite_step(spec, data):
    """Return the epoch and step at which a Keras callback sees a nonfinite loss."""
    losses = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002  # as Keras calls it
            losses.append(logs["loss"])

    fit_with_keras(create_network_builder(spec, data)(), data, callbacks=[Steps()])
    nonfinite = [index for index, loss in enumerate(losses) if not np.isfinite(loss)]
    return divmod(nonfinite[0], -(-len(data.x_train) // spec.training.batch_size))


def build_dense(units=8, **arguments):
    return {"type": "Dense", "units": units, **arguments}


DIVERGING = [build_dense(activation="relu"), build_dense(activation="relu"), build_dense(1)]


@pytest.mark.jax
def test_epoch_and_step_equal_keras():
    spec = build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 5.0})
    outcome, observer = train_with_engine(spec)
    assert (outcome.divergence.epoch, outcome.divergence.step) == find_first_nonfinite_step(spec, draw_data())
    assert [number for number, _ in observer.epochs] == list(range(outcome.divergence.epoch + 1))
    assert not np.isfinite(observer.epochs[-1][1]["loss"])


NORMALIZED = [
    build_dense(),
    {"type": "Dropout", "rate": 0.2},
    {"type": "BatchNormalization", "gamma_initializer": {"type": "Constant", "value": 24.0}},
    {"type": "Activation", "activation": "exponential", "name": "blow_up"},
    build_dense(1),
]
"""One outlier is 15 / sqrt(16) deviations from the mean of its batch of 16, and exp(24 * 3.75) exceeds float32.
Without an outlier, a batch stays below exp(88)."""


def find_first_nonfinite_layer(spec, data, step):
    """Find the layer by Keras's own forward pass, after a `fit` over the rows of the steps before."""
    network = create_network_builder(spec, data)()
    done = step * spec.training.batch_size
    network.fit(
        data.x_train[:done], data.y_train[:done], batch_size=spec.training.batch_size, shuffle=False, verbose=0
    )
    batch = data.x_train[done : done + spec.training.batch_size]
    outputs = keras.Model(network.inputs, [layer.output for layer in network.layers])([batch], training=True)
    nonfinite = [index for index, output in enumerate(outputs) if not np.isfinite(output).all()]
    return LayerReference(nonfinite[0], network.layers[nonfinite[0]].name, type(network.layers[nonfinite[0]]).__name__)


@pytest.mark.parametrize(
    ("layers", "rate", "scale", "index"),
    [(DIVERGING, 1e38, 1e3, 0), (DIVERGING, 1e10, 1.0, 1), (DIVERGING, 1e17, 1.0, 2), (NORMALIZED, 1e-30, 1.0, 3)],
    ids=["the first", "the second", "the last", "behind dropout and normalization"],
)
def test_the_first_layer_with_nonfinite_outputs_is_found(layers, rate, scale, index):
    spec = build_spec(layers, optimizer={"type": "SGD", "learning_rate": rate}, shuffle=False, loss="mae")
    data = draw_data()
    data.x_train[40] = 100.0
    np.multiply(data.x_train, scale, out=data.x_train)
    diverged = train_with_engine(spec, data)[0].divergence
    assert diverged.epoch == 0
    assert diverged.step > 0
    assert diverged.layer == find_first_nonfinite_layer(spec, data, diverged.step)
    assert diverged.layer.index == index
    assert f'the layer "{diverged.layer.name}"' in diverged.message


@pytest.mark.parametrize(
    ("weight", "step"),
    [(1e30, 0), (1.5e18, 2)],
    ids=["the square of 1e30 exceeds float32", "the sum of the losses exceeds float32"],
)
def test_only_the_loss_is_not_finite(weight, step):
    layers = [build_dense(1, kernel_initializer={"type": "Constant", "value": weight})]
    spec = build_spec(layers, optimizer={"type": "SGD", "learning_rate": 1e-36})
    outcome, _ = train_with_engine(spec)
    assert (outcome.divergence.epoch, outcome.divergence.step) == (0, step)
    assert outcome.divergence.forward_pass == ForwardPass(None)
    assert "the output of every layer was finite" in outcome.divergence.message


@pytest.mark.parametrize(
    "callback",
    [
        {"type": "LearningRateScheduler", "schedule": {
            "type": "PiecewiseConstantDecay", "boundaries": [1], "values": [0.001, 1e30]}},
        {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 1e6, "factor": 0.5},
        {"type": "SwapEMAWeights", "swap_on_epoch": True},
        {"type": "TerminateOnNaN"},
    ],
    ids=lambda callback: callback["type"],
)  # fmt: skip
def test_callbacks_act_alike_in_the_repeated_training(callback):
    optimizer = {"type": "SGD", "learning_rate": 1.0, "use_ema": True, "momentum": 0.9}
    layers = [build_dense(activation="relu"), {"type": "Dropout", "rate": 0.2}, build_dense(1)]
    spec = build_spec(layers, optimizer=optimizer, epochs=20, callbacks=[callback])
    outcome, _ = train_with_engine(spec)
    assert outcome.divergence is not None
    assert outcome.divergence.forward_pass is not None


def test_concrete_without_normalization():
    document = json.loads(require_shared_file("specs/concrete-plain.json").read_text())
    document["training"]["shuffle"] = "keras"
    spec = parse_spec(json.dumps(document).encode())
    table = pd.read_csv(require_shared_file("data/concrete.csv"))
    train = table.sample(frac=0.7, random_state=0)
    rest = table.drop(train.index)

    def to_arrays(frame):
        y = frame.pop("CompressiveStrength").to_numpy("float32")
        return frame.to_numpy("float32"), y

    data = build_prepared_data(to_arrays(train), to_arrays(rest))
    outcome, observer = train_with_engine(spec, data)
    assert (outcome.divergence.epoch, outcome.divergence.step) == (0, 6)
    assert outcome.divergence.layer == LayerReference(3, "dense_3", "Dense")
    assert len(observer.epochs) == 1


@pytest.mark.jax
def test_the_final_state_is_that_of_the_first_training():
    layers = [build_dense(1, kernel_initializer={"type": "Constant", "value": 1.5e18})]
    spec = build_spec(layers, optimizer={"type": "SGD", "learning_rate": 0.05, "momentum": 0.5})
    outcome, observer = train_with_engine(spec)
    assert outcome.divergence.step > 0
    network, history = fit_with_keras(
        create_network_builder(spec, draw_data())(), callbacks=[keras.callbacks.TerminateOnNaN()]
    )
    np.testing.assert_equal(observer.columns(), history)
    assert np.isfinite(network.get_weights()[0]).all()
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    for actual, expected in zip(outcome.network.optimizer.variables, network.optimizer.variables, strict=True):
        np.testing.assert_equal(actual.numpy(), expected.numpy())


def test_a_training_that_continues_equals_keras():
    spec = build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 5.0}, on_nonfinite="continue")
    outcome, observer = train_with_engine(spec)
    assert outcome.divergence is None
    network, history = fit_with_keras(create_network_builder(spec, draw_data())())
    np.testing.assert_equal(observer.columns(), history)
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    assert not np.isfinite(history["loss"][-1])


def test_a_finite_training_runs_once_and_equals_keras(monkeypatch):
    layers = [build_dense(activation="relu"), {"type": "Dropout", "rate": 0.2}, "BatchNormalization", build_dense(1)]
    spec, runs = build_spec(layers), []

    class RecordedLoop(TrainingLoop):
        def run(self):
            runs.append("first")
            return super().run()

        def run_until(self, epoch, step):
            runs.append("again")
            return super().run_until(epoch, step)

    monkeypatch.setattr(engine, "TrainingLoop", RecordedLoop)
    outcome, observer = train_with_engine(spec)
    assert outcome.divergence is None
    assert runs == ["first"]
    network, history = fit_with_keras(create_network_builder(spec, draw_data())())
    assert observer.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    train_with_engine(build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 5.0}))
    assert runs == ["first", "first", "again"]


class TestReplay:
    """The repeated training, also if it differs from the first."""

    SPEC = build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 5.0})

    def diagnose_step(self, spec, *, epoch, step):
        """Repeat a training until a step, and diagnose that step."""
        data, networks = draw_data(), []
        for _ in range(2):
            networks.append(create_network_builder(spec, data)())
            networks[-1].optimizer.build(networks[-1].trainable_variables)
        compiled = select_program_class()(
            networks[0], Hyperparameters({}), data.x_train, data.y_train, has_weights=False
        )
        training_state.copy_state(networks[1], compiled.network)
        loop = TrainingLoop(
            compiled,
            spec.training,
            build_training_rows(data),
            build_validation_rows(data),
            ReplayObserver(RecordingObserver()),
        )
        return diagnose_divergence(networks[1], compiled, loop, Divergence(epoch, step))

    def test_it_can_be_cancelled(self):
        class Cancelled(Exception):
            pass

        class CancelLate(RecordingObserver):
            def check(self):
                """Cancel after the report of the epoch that diverges, which is the last one before the repetition."""
                if self.epochs and not np.isfinite(self.epochs[-1][1]["loss"]):
                    raise Cancelled

        with pytest.raises(Cancelled):
            Engine(2**30).train(self.SPEC, draw_data(), CancelLate())

    def test_without_memory_the_layer_stays_unknown(self, monkeypatch):
        def raise_memory_error(*_):
            raise MemoryError

        monkeypatch.setattr(engine, "diagnose_divergence", raise_memory_error)
        diverged = train_with_engine(self.SPEC)[0].divergence
        assert (diverged.epoch, diverged.step) == find_first_nonfinite_step(self.SPEC, draw_data())
        assert diverged.forward_pass is None

    def test_it_reports_no_epoch(self):
        outcome, observer = train_with_engine(self.SPEC)
        assert outcome.divergence.forward_pass is not None
        assert [number for number, _ in observer.epochs] == list(range(outcome.divergence.epoch + 1))

    def test_a_step_that_is_finite_the_second_time_has_no_layer(self):
        assert self.diagnose_step(build_spec(DIVERGING), epoch=1, step=2) is None
        assert "layer" not in Divergence(1, 2).message

    def test_an_earlier_divergence_the_second_time_has_no_layer(self):
        assert self.diagnose_step(self.SPEC, epoch=3, step=5) is None

    def test_an_earlier_end_the_second_time_has_no_layer(self):
        stop = {"type": "EarlyStopping", "monitor": "loss", "min_delta": 1e9}
        assert self.diagnose_step(build_spec(DIVERGING, callbacks=[stop]), epoch=3, step=0) is None


class TestJob:
    """Divergence of a job, from the queue to the HTTP API."""

    @pytest.fixture
    def run_job(self, sessions, store, client, settings):
        """Submit, train and conclude a job, and return its view."""

        def run_job(**training):
            data = {"dataset": "builtin:iris", "target": {"column": "target"}}
            network = {"layers": [build_dense(activation="relu"), {"type": "Dense", "units": 1}]}
            defaults = {"loss": "mse", "metrics": [], "optimizer": {"type": "SGD", "learning_rate": 1e20}}
            job = submit_job(sessions, data=data, network=network, training=defaults | training)
            with sessions.begin() as session:
                claimed = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
            observer = RecordingObserver()
            conclusion = train_job(claimed, observer, store, Preparer(settings), Engine(2**30))
            with sessions.begin() as session:
                attempts.conclude_attempt(session, claimed, conclusion)
            return client.get(f"/v1/jobs/{job.id}").json(), observer

        return run_job

    def test_the_reason_has_the_location(self, run_job):
        job, observer = run_job()
        assert job["state"] == "diverged"
        reason = job["reason"]
        assert reason["code"] == "loss_not_finite"
        assert reason["epoch"] == observer.epochs[-1][0]
        assert reason["step"] >= 0
        assert reason["layer"] == {"index": 1, "name": "dense_1", "type": "Dense"}
        assert '"dense_1"' in reason["message"]
        assert job["transitions"][-1]["reason"] == reason
        assert Reason.model_validate(reason).layer.name == "dense_1"

    def test_a_job_that_continues_succeeds(self, run_job):
        job, observer = run_job(on_nonfinite="continue", epochs=3)
        assert job["state"] == "succeeded"
        assert job["reason"] is None
        assert [number for number, _ in observer.epochs] == [0, 1, 2]
