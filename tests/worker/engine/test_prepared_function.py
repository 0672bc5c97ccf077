"""Functions are prepared before they are needed, without other effects."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import tensorflow as tf

from tests.worker.backends import tensorflow_only
from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers
from tests.worker.keras_reference import RecordingObserver, train_with_engine
from worker.engine import Engine, engine, training_state
from worker.engine.program import prepared_function as calls
from worker.engine.program.compiled_program import CompiledProgram
from worker.engine.program.prepared_function import PreparedFunction, prepare_functions
from worker.keras_build.compilation import build_compiled_network
from worker.keras_build.hyperparameters import Hyperparameters

pytestmark = tensorflow_only("only TensorFlow's graphs are prepared beside other work")

NUMBER = tf.TensorSpec((), "float32")


@pytest.fixture
def traces():
    """Arguments with which the function of `doubled` was traced."""
    return []


@pytest.fixture
def doubled(traces):
    """A function that doubles positive numbers, and fails for 0."""

    def function(number):
        traces.append(number)
        with tf.control_dependencies([tf.debugging.assert_positive(number)]):
            return 2 * number

    return lambda empty_argument: PreparedFunction(
        function, [NUMBER], lambda: [tf.constant(empty_argument)], nullcontext
    )


@pytest.mark.parametrize("trace", [True, False], ids=["traced in this thread", "traced in the background"])
def test_a_prepared_function_is_traced_once(doubled, traces, trace):
    call = doubled(1.0)
    prepare_functions([call], trace=trace)
    assert call.is_started
    call.wait_until_ready()
    assert call.is_ready
    prepare_functions([call], trace=trace)
    assert call(tf.constant(4.0)).numpy() == 8.0
    assert len(traces) == 1


def test_an_unprepared_function_can_be_called(doubled, traces):
    call = doubled(1.0)
    assert not call.is_started
    assert call.is_ready
    assert [call(tf.constant(4.0)).numpy() for _ in range(2)] == [8.0, 8.0]
    assert len(traces) == 1


@pytest.mark.parametrize(
    "use",
    [PreparedFunction.trace, lambda call: call(tf.constant(4.0)), lambda call: prepare_functions([call], trace=False)],
)
def test_it_is_always_traced_in_its_context(use):
    active_contexts, traced_within = [], []

    @contextmanager
    def tracing():
        active_contexts.append(True)
        yield
        active_contexts.pop()

    call = PreparedFunction(
        lambda number: (traced_within.append(bool(active_contexts)), number)[1],
        [NUMBER],
        lambda: [tf.constant(0.0)],
        tracing,
    )
    use(call)
    call.wait_until_ready()
    assert traced_within == [True]


def test_a_function_whose_preparation_failed_can_be_called(doubled):
    call = doubled(0.0)
    prepare_functions([call], trace=False)
    assert call(tf.constant(4.0)).numpy() == 8.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(tf.constant(0.0))


def test_a_call_waits_for_the_preparation(monkeypatch):
    """The preparation starts only when the call waits. A call that does not wait would trace in its own thread."""
    traced, waited = [], threading.Event()

    def wait(futures):
        waited.set()
        return original(futures)

    original = calls.wait
    monkeypatch.setattr(calls, "wait", wait)

    def function(number):
        traced.append(threading.current_thread())
        return number

    call = PreparedFunction(function, [NUMBER], lambda: [tf.constant(0.0)], nullcontext)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(waited.wait)
        call.start_preparation(thread)
        try:
            call(tf.constant(4.0))
        finally:
            waited.set()
    assert len(traced) == 1
    assert traced[0] is not threading.current_thread()


@pytest.mark.parametrize("several", [True, False], ids=["several epochs in a call", "single epochs"])
def test_preparation_changes_no_state(several):
    dropout = {"type": "Dropout", "rate": 0.25}
    job_spec = build_spec(
        ["BatchNormalization", *SCORE_LAYERS[:1], dropout, *SCORE_LAYERS[1:]], optimizer="adam", metrics=["mae"]
    )
    data = draw_numbers()
    network = build_compiled_network(job_spec, (6,))
    network.optimizer.build(network.trainable_variables)
    compiled = CompiledProgram(network, Hyperparameters({}), data.x_train, data.y_train, has_weights=False)
    rows = tuple(tf.constant(array) for array in (data.x_train, data.y_train))
    compiled.train_steps(rows, np.arange(40, dtype="int32"), range(3), 16, reset_metrics=True, stop_on_nonfinite=True)
    before = training_state.read_arrays(network, metrics=True)
    with compiled.prepare_training(several_epochs=several, validation_batch_size=0, evaluation_batch_size=0):
        pass
    compiled.prepare_evaluation(0)
    compiled.wait_until_prepared()
    np.testing.assert_equal(training_state.read_arrays(network, metrics=True), before)


@pytest.fixture
def evaluations(monkeypatch):
    """Record the number of reported epochs at which the preparation of an evaluation starts."""
    observer, epoch_counts = RecordingObserver(), []

    def prepare_evaluation(self, batch):
        epoch_counts.append(len(observer.epochs))
        return original(self, batch)

    original = CompiledProgram.prepare_evaluation
    monkeypatch.setattr(CompiledProgram, "prepare_evaluation", prepare_evaluation)
    return observer, epoch_counts


def test_an_evaluation_is_prepared_after_the_first_epoch(evaluations):
    observer, epoch_counts = evaluations
    Engine(2**30).train(
        build_spec(SCORE_LAYERS, callbacks=[{"type": "ReduceLROnPlateau"}]),
        draw_numbers(),
        observer,
        evaluation_rows=24,
    )
    assert epoch_counts[0] == 1


def test_without_an_evaluation_none_is_prepared(evaluations):
    observer, epoch_counts = evaluations
    Engine(2**30).train(build_spec(SCORE_LAYERS), draw_numbers(), observer)
    assert epoch_counts == []


def test_a_diverged_training_prepares_no_evaluation(evaluations):
    observer, epoch_counts = evaluations
    diverging = {"type": "SGD", "learning_rate": 1e30}
    outcome = Engine(2**30).train(
        build_spec(SCORE_LAYERS, optimizer=diverging), draw_numbers(), observer, evaluation_rows=24
    )
    assert outcome.divergence is not None
    assert epoch_counts == []


def test_no_preparation_is_in_progress_when_a_training_ends(monkeypatch):
    class Stopped(Exception):
        pass

    class Impatient(RecordingObserver):
        def check(self):
            raise Stopped

    class RecordedProgram(CompiledProgram):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            programs.append(self)

    programs = []
    monkeypatch.setattr(engine, "select_program_class", lambda: RecordedProgram)
    with pytest.raises(Stopped):
        Engine(2**30).train(
            build_spec(SCORE_LAYERS, callbacks=[{"type": "ReduceLROnPlateau"}]), draw_numbers(), Impatient()
        )
    assert programs[0]._evaluation_functions[0].is_started
    assert programs[0]._evaluation_functions[0].is_ready
    assert len(train_with_engine(build_spec(SCORE_LAYERS), draw_numbers())[1].epochs) == 3
