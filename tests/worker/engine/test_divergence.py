"""Trainings whose loss stops being finite: where, in which layer, and what they leave behind."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

from service.jobs import attempts
from stackyard.client.views import Reason
from stackyard.spec import parse
from tests.conftest import shared
from tests.factories import submit
from tests.worker.stock import Told, builder, prepared, rows, spec_of, stock, trained
from worker.attempt.job_training import train
from worker.engine import Divergence, Engine, Forward, LayerReference, engine, training_state
from worker.engine.diagnosis import Replay, diagnose
from worker.engine.program.compiled_program import Compiled
from worker.engine.rows import training_rows, validation_rows
from worker.engine.training_loop import Fit
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import Preparer


def first_lost_step(spec, data):
    """Epoch and step as a Keras callback sees them."""
    seen = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002  # as Keras calls it
            seen.append(logs["loss"])

    stock(builder(spec, data)(), data, callbacks=[Steps()])
    lost = [index for index, loss in enumerate(seen) if not np.isfinite(loss)]
    return divmod(lost[0], -(-len(data.x_train) // spec.training.batch_size))


def dense(units=8, **arguments):
    return {"type": "Dense", "units": units, **arguments}


WILD = [dense(activation="relu"), dense(activation="relu"), dense(1)]


def test_epoch_and_step_are_keras_s_own():
    spec = spec_of(WILD, optimizer={"type": "SGD", "learning_rate": 5.0})
    outcome, told = trained(spec)
    assert (outcome.diverged.epoch, outcome.diverged.step) == first_lost_step(spec, rows())
    assert [number for number, _ in told.epochs] == list(range(outcome.diverged.epoch + 1))
    assert not np.isfinite(told.epochs[-1][1]["loss"])


NORMALISED = [
    dense(),
    {"type": "Dropout", "rate": 0.2},
    {"type": "BatchNormalization", "gamma_initializer": {"type": "Constant", "value": 24.0}},
    {"type": "Activation", "activation": "exponential", "name": "blow_up"},
    dense(1),
]
"""One row far off is 15 / sqrt(16) deviations from the mean of its batch of 16, and exp(24 * 3.75) is not a float32.
Without such a row a batch stays below exp(88)."""


def first_layer(spec, data, step):
    """The answer by other means: Keras's own forward pass, after a `fit` over the rows of the steps before."""
    network = builder(spec, data)()
    done = step * spec.training.batch_size
    network.fit(
        data.x_train[:done], data.y_train[:done], batch_size=spec.training.batch_size, shuffle=False, verbose=0
    )
    batch = data.x_train[done : done + spec.training.batch_size]
    outputs = keras.Model(network.inputs, [layer.output for layer in network.layers])([batch], training=True)
    lost = [index for index, output in enumerate(outputs) if not np.isfinite(output).all()]
    return LayerReference(lost[0], network.layers[lost[0]].name, type(network.layers[lost[0]]).__name__)


@pytest.mark.parametrize(
    ("layers", "rate", "scale", "index"),
    [(WILD, 1e38, 1e3, 0), (WILD, 1e10, 1.0, 1), (WILD, 1e17, 1.0, 2), (NORMALISED, 1e-30, 1.0, 3)],
    ids=["the first", "the second", "the last", "behind dropout and normalisation"],
)
def test_the_first_layer_that_is_lost_is_named(layers, rate, scale, index):
    spec = spec_of(layers, optimizer={"type": "SGD", "learning_rate": rate}, shuffle=False, loss="mae")
    data = rows()
    data.x_train[40] = 100.0
    np.multiply(data.x_train, scale, out=data.x_train)
    diverged = trained(spec, data)[0].diverged
    assert diverged.epoch == 0
    assert diverged.step > 0
    assert diverged.layer == first_layer(spec, data, diverged.step)
    assert diverged.layer.index == index
    assert f'the layer "{diverged.layer.name}"' in diverged.sentence


@pytest.mark.parametrize(
    ("weight", "step"),
    [(1e30, 0), (1.5e18, 2)],
    ids=["the square of 1e30 is not a float32", "the sum of the epoch's losses is none"],
)
def test_a_loss_alone_can_be_lost(weight, step):
    layers = [dense(1, kernel_initializer={"type": "Constant", "value": weight})]
    spec = spec_of(layers, optimizer={"type": "SGD", "learning_rate": 1e-36})
    outcome, _ = trained(spec)
    assert (outcome.diverged.epoch, outcome.diverged.step) == (0, step)
    assert outcome.diverged.forward == Forward(None)
    assert "the output of every layer was finite" in outcome.diverged.sentence


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
def test_callbacks_do_the_second_time_what_they_did_the_first(callback):
    optimizer = {"type": "SGD", "learning_rate": 1.0, "use_ema": True, "momentum": 0.9}
    spec = spec_of([dense(activation="relu"), {"type": "Dropout", "rate": 0.2}, dense(1)], optimizer=optimizer,
                   epochs=20, callbacks=[callback])  # fmt: skip
    outcome, _ = trained(spec)
    assert outcome.diverged is not None
    assert outcome.diverged.forward is not None


def test_concrete_without_normalisation():
    document = json.loads(shared("specs/concrete-plain.json").read_text())
    document["training"]["shuffle"] = "keras"
    spec = parse(json.dumps(document).encode())
    table = pd.read_csv(shared("data/concrete.csv"))
    train = table.sample(frac=0.7, random_state=0)
    rest = table.drop(train.index)

    def numbers(part):
        y = part.pop("CompressiveStrength").to_numpy("float32")
        return part.to_numpy("float32"), y

    data = prepared(numbers(train), numbers(rest))
    outcome, told = trained(spec, data)
    assert (outcome.diverged.epoch, outcome.diverged.step) == (0, 6)
    assert outcome.diverged.layer == LayerReference(3, "dense_3", "Dense")
    assert len(told.epochs) == 1


def test_what_a_training_leaves_is_not_what_going_through_it_again_left():
    layers = [dense(1, kernel_initializer={"type": "Constant", "value": 1.5e18})]
    spec = spec_of(layers, optimizer={"type": "SGD", "learning_rate": 0.05, "momentum": 0.5})
    outcome, told = trained(spec)
    assert outcome.diverged.step > 0
    network, history = stock(builder(spec, rows())(), callbacks=[keras.callbacks.TerminateOnNaN()])
    np.testing.assert_equal(told.columns(), history)
    assert np.isfinite(network.get_weights()[0]).all()
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    for mine, theirs in zip(outcome.network.optimizer.variables, network.optimizer.variables, strict=True):
        np.testing.assert_equal(mine.numpy(), theirs.numpy())


def test_a_training_that_continues_runs_to_the_end_as_stock_keras_does():
    spec = spec_of(WILD, optimizer={"type": "SGD", "learning_rate": 5.0}, on_nonfinite="continue")
    outcome, told = trained(spec)
    assert outcome.diverged is None
    network, history = stock(builder(spec, rows())())
    np.testing.assert_equal(told.columns(), history)
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    assert np.isnan(history["loss"][-1])


def test_a_training_that_stays_finite_is_done_once_and_equals_stock_keras(monkeypatch):
    layers = [dense(activation="relu"), {"type": "Dropout", "rate": 0.2}, "BatchNormalization", dense(1)]
    spec, runs = spec_of(layers), []

    class Counted(Fit):
        def run(self):
            runs.append("first")
            return super().run()

        def up_to(self, epoch, step):
            runs.append("again")
            return super().up_to(epoch, step)

    monkeypatch.setattr(engine, "Fit", Counted)
    outcome, told = trained(spec)
    assert outcome.diverged is None
    assert runs == ["first"]
    network, history = stock(builder(spec, rows())())
    assert told.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
    trained(spec_of(WILD, optimizer={"type": "SGD", "learning_rate": 5.0}))
    assert runs == ["first", "first", "again"]


class TestReplay:
    """What the second time hears and says where it does not go like the first."""

    SPEC = spec_of(WILD, optimizer={"type": "SGD", "learning_rate": 5.0})

    def again(self, spec, *, epoch, step):
        """What is found in a training that is gone through up to a step."""
        data, networks = rows(), []
        for _ in range(2):
            networks.append(builder(spec, data)())
            networks[-1].optimizer.build(networks[-1].trainable_variables)
        compiled = Compiled(networks[0], Hyperparameters({}), data.x_train, data.y_train, weighted=False)
        training_state.copy(networks[1], compiled.network)
        fit = Fit(compiled, spec.training, training_rows(data), validation_rows(data), Replay(Told()))
        return diagnose(networks[1], compiled, fit, Divergence(epoch, step))

    def test_it_can_be_cancelled(self):
        class Cancelled(Exception):
            pass

        class Wish(Told):
            def check(self):
                """Wait for the epoch that diverges to be told of: it is the last thing before the second time."""
                if self.epochs and not np.isfinite(self.epochs[-1][1]["loss"]):
                    raise Cancelled

        with pytest.raises(Cancelled):
            Engine(2**30).train(self.SPEC, rows(), Wish())

    def test_without_room_for_it_the_outcome_is_the_same(self, monkeypatch):
        def full(*_):
            raise MemoryError

        monkeypatch.setattr(engine, "diagnose", full)
        diverged = trained(self.SPEC)[0].diverged
        assert (diverged.epoch, diverged.step) == first_lost_step(self.SPEC, rows())
        assert diverged.forward is None

    def test_it_tells_of_no_epoch(self):
        outcome, told = trained(self.SPEC)
        assert outcome.diverged.forward is not None
        assert [number for number, _ in told.epochs] == list(range(outcome.diverged.epoch + 1))

    def test_a_step_that_is_finite_this_time_names_nothing(self):
        assert self.again(spec_of(WILD), epoch=1, step=2) is None
        assert "layer" not in Divergence(1, 2).sentence

    def test_a_loss_that_is_lost_earlier_this_time_names_nothing(self):
        assert self.again(self.SPEC, epoch=3, step=5) is None

    def test_a_training_that_ends_earlier_this_time_names_nothing(self):
        stop = {"type": "EarlyStopping", "monitor": "loss", "min_delta": 1e9}
        assert self.again(spec_of(WILD, callbacks=[stop]), epoch=3, step=0) is None


class TestJob:
    """The same from the queue to the HTTP API."""

    @pytest.fixture
    def ended(self, sessions, store, client, settings):
        """The view of a job that was submitted, trained and concluded."""

        def ended(**training):
            data = {"dataset": "builtin:iris", "target": {"column": "target"}}
            network = {"layers": [dense(activation="relu"), {"type": "Dense", "units": 1}]}
            fit = {"loss": "mse", "metrics": [], "optimizer": {"type": "SGD", "learning_rate": 1e20}}
            job = submit(sessions, data=data, network=network, training=fit | training)
            with sessions.begin() as session:
                claimed = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
            told = Told()
            conclusion = train(claimed, told, store, Preparer(settings), Engine(2**30))
            with sessions.begin() as session:
                attempts.conclude(session, claimed, conclusion)
            return client.get(f"/v1/jobs/{job.id}").json(), told

        return ended

    def test_its_reason_says_where(self, ended):
        job, told = ended()
        assert job["state"] == "diverged"
        reason = job["reason"]
        assert reason["code"] == "loss_not_finite"
        assert reason["epoch"] == told.epochs[-1][0]
        assert reason["step"] >= 0
        assert reason["layer"] == {"index": 1, "name": "dense_1", "type": "Dense"}
        assert '"dense_1"' in reason["message"]
        assert job["transitions"][-1]["reason"] == reason
        assert Reason.model_validate(reason).layer.name == "dense_1"

    def test_one_that_continues_succeeds(self, ended):
        job, told = ended(on_nonfinite="continue", epochs=3)
        assert job["state"] == "succeeded"
        assert job["reason"] is None
        assert [number for number, _ in told.epochs] == [0, 1, 2]
