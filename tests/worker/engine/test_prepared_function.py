"""Calls are prepared before they are needed, and nothing comes of that but time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.parts import SCORES, numbers, spec
from tests.worker.stock import Told, trained
from worker.engine import Engine, engine, training_state
from worker.engine.program import prepared_function as calls
from worker.engine.program.compiled_program import Compiled
from worker.engine.program.prepared_function import Call, prepare
from worker.keras_build.compilation import build_compiled
from worker.keras_build.hyperparameters import Hyperparameters

NUMBER = tf.TensorSpec((), "float32")


@pytest.fixture
def traces():
    """How often the function of `doubled` was traced."""
    return []


@pytest.fixture
def doubled(traces):
    """A call that doubles what is positive; of 0, which is not, nothing can be made."""

    def function(number):
        traces.append(number)
        with tf.control_dependencies([tf.debugging.assert_positive(number)]):
            return 2 * number

    return lambda nothing: Call(function, [NUMBER], lambda: [tf.constant(nothing)], nullcontext)


@pytest.mark.parametrize("trace", [True, False], ids=["traced here", "traced there"])
def test_what_is_prepared_is_traced_once_and_for_all(doubled, traces, trace):
    call = doubled(1.0)
    prepare([call], trace=trace)
    assert call.begun
    call.ready()
    assert call.is_ready
    prepare([call], trace=trace)
    assert call(tf.constant(4.0)).numpy() == 8.0
    assert len(traces) == 1


def test_what_is_not_prepared_can_be_called(doubled, traces):
    call = doubled(1.0)
    assert not call.begun
    assert call.is_ready
    assert [call(tf.constant(4.0)).numpy() for _ in range(2)] == [8.0, 8.0]
    assert len(traces) == 1


@pytest.mark.parametrize(
    "use", [Call.trace, lambda call: call(tf.constant(4.0)), lambda call: prepare([call], trace=False)]
)
def test_it_is_traced_in_its_context_however_it_comes_to_that(use):
    within, seen = [], []

    @contextmanager
    def tracing():
        within.append(True)
        yield
        within.pop()

    call = Call(lambda number: (seen.append(bool(within)), number)[1], [NUMBER], lambda: [tf.constant(0.0)], tracing)
    use(call)
    call.ready()
    assert seen == [True]


def test_a_call_whose_preparation_failed_is_made_all_the_same(doubled):
    call = doubled(0.0)
    prepare([call], trace=False)
    assert call(tf.constant(4.0)).numpy() == 8.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(tf.constant(0.0))


def test_a_call_waits_for_its_preparation(monkeypatch):
    """Which begins only when it is waited for; a call that did not wait would be traced where it is made."""
    traced, waited = [], threading.Event()

    def wait(futures):
        waited.set()
        return original(futures)

    original = calls.wait
    monkeypatch.setattr(calls, "wait", wait)

    def function(number):
        traced.append(threading.current_thread())
        return number

    made = Call(function, [NUMBER], lambda: [tf.constant(0.0)], nullcontext)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(waited.wait)
        made.prepare(thread)
        try:
            made(tf.constant(4.0))
        finally:
            waited.set()
    assert len(traced) == 1
    assert traced[0] is not threading.current_thread()


@pytest.mark.parametrize("several", [True, False], ids=["several epochs a call", "single ones"])
def test_nothing_is_changed_by_preparing(several):
    dropout = {"type": "Dropout", "rate": 0.25}
    wanted = spec(["BatchNormalization", *SCORES[:1], dropout, *SCORES[1:]], optimizer="adam", metrics=["mae"])
    data = numbers()
    made = build_compiled(wanted, (6,))
    made.optimizer.build(made.trainable_variables)
    compiled = Compiled(made, Hyperparameters({}), data.x_train, data.y_train, weighted=False)
    rows = tuple(tf.constant(part) for part in (data.x_train, data.y_train))
    compiled.train(rows, np.arange(40, dtype="int32"), range(3), 16, fresh=True, stop=True)
    before = training_state.arrays(made, metrics=True)
    with compiled.preparing(several=several, validation=0, evaluation=0):
        pass
    compiled.prepare_evaluation(0)
    compiled.settle()
    np.testing.assert_equal(training_state.arrays(made, metrics=True), before)


@pytest.fixture
def evaluations(monkeypatch):
    """After which epoch the calls of an evaluation began to be prepared, by how many had been told of."""
    told, begun = Told(), []

    def prepare_evaluation(self, batch):
        begun.append(len(told.epochs))
        return original(self, batch)

    original = Compiled.prepare_evaluation
    monkeypatch.setattr(Compiled, "prepare_evaluation", prepare_evaluation)
    return told, begun


def test_an_evaluation_is_prepared_from_the_first_epoch_on(evaluations):
    told, begun = evaluations
    Engine(2**30).train(spec(SCORES, callbacks=[{"type": "ReduceLROnPlateau"}]), numbers(), told, evaluated=24)
    assert begun[0] == 1


def test_one_that_nobody_wants_is_not_prepared(evaluations):
    told, begun = evaluations
    Engine(2**30).train(spec(SCORES), numbers(), told)
    assert begun == []


def test_a_training_that_diverges_prepares_none(evaluations):
    told, begun = evaluations
    wild = {"type": "SGD", "learning_rate": 1e30}
    outcome = Engine(2**30).train(spec(SCORES, optimizer=wild), numbers(), told, evaluated=24)
    assert outcome.diverged is not None
    assert begun == []


def test_nothing_is_being_prepared_any_more_when_a_training_ends(monkeypatch):
    class Stopped(Exception):
        pass

    class Impatient(Told):
        def check(self):
            raise Stopped

    class Kept(Compiled):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            kept.append(self)

    kept = []
    monkeypatch.setattr(engine, "Compiled", Kept)
    with pytest.raises(Stopped):
        Engine(2**30).train(spec(SCORES, callbacks=[{"type": "ReduceLROnPlateau"}]), numbers(), Impatient())
    assert kept[0]._tests[0].begun
    assert kept[0]._tests[0].is_ready
    assert len(trained(spec(SCORES), numbers())[1].epochs) == 3
