"""Jobs of one architecture share graphs, and are bit-identical to jobs with graphs of their own.

`test_same_bits` checks the same for every layer, optimizer and loss.
"""

import numpy as np
import pytest

from stackyard.spec import layers
from stackyard.spec.network import constraints, regularizers
from stackyard.spec.training import losses, optimizers, schedules
from tests.worker.backends import tensorflow_only
from tests.worker.engine.hyperparameter_pairs import CONSTANTS, build_document, build_pair, find_two_values
from tests.worker.engine.sample_jobs import (
    SCORE_LAYERS,
    build_loss_job,
    build_spec,
    draw_labels,
    draw_numbers,
    list_classes,
    stack_layers,
)
from tests.worker.engine.test_same_bits import fit_by_spec, get_variables
from tests.worker.keras_reference import RecordingObserver, train_with_engine
from tests.worker.part_variants import NEEDED
from worker.engine import Engine

pytestmark = pytest.mark.exhaustive


def assert_same_as_alone(first, second, data, traced, traces=1):
    """Train two jobs, and assert that the second equals a training by Keras alone."""
    engine = Engine(2**30)
    train_with_engine(first, data, engine)
    outcome, observer = train_with_engine(second, data, engine)
    assert len(traced) == traces
    reference, history = fit_by_spec(second, data)
    np.testing.assert_equal(observer.columns(), history)
    for actual, expected in zip(get_variables(outcome.network), get_variables(reference), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert outcome.network.get_config() == reference.get_config()


@pytest.mark.parametrize("part", [regularizers.L1, regularizers.L2, regularizers.L1L2, constraints.MaxNorm,
                                  constraints.MinMaxNorm], ids=lambda part: part.__name__)  # fmt: skip
def test_other_hyperparameters_of_regularizers_and_constraints(part, traced):
    argument = "kernel_constraint" if part in list_classes(constraints.Constraint) else "kernel_regularizer"
    specs = [build_spec([SCORE_LAYERS[0] | {argument: variant}, SCORE_LAYERS[1]]) for variant in build_pair(part)]
    assert_same_as_alone(*specs, draw_numbers(), traced)


SCHEDULE_ARGUMENTS = {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5, "first_decay_steps": 4}


@pytest.mark.parametrize("part", list_classes(schedules.Schedule), ids=lambda part: part.__name__)
def test_other_numbers_of_a_schedule_need_another_graph(part, traced):
    arguments = NEEDED.get(part.__name__) or {n: v for n, v in SCHEDULE_ARGUMENTS.items() if n in part.model_fields}
    first, second = build_pair(part, {"type": part.__name__, **arguments})
    if part is schedules.PiecewiseConstantDecay:
        second = second | {"values": [0.5, 0.125]}
    engine = Engine(2**30)
    for rate in (first, second):
        train_with_engine(
            build_spec(SCORE_LAYERS, optimizer={"type": "SGD", "learning_rate": rate}, epochs=1),
            draw_numbers(),
            engine,
        )
    assert len(traced) == 2


@tensorflow_only("thresholds are constants on JAX")
def test_other_thresholds_of_metrics(traced):
    stack, data, _ = build_loss_job(losses.BinaryCrossentropy)
    specs = [
        build_spec(stack, loss="bce", metrics=[{"type": "BinaryAccuracy", "threshold": threshold}, {"type": "AUC"}])
        for threshold in (0.25, 0.5)
    ]
    assert_same_as_alone(*specs, data, traced)


def test_another_seed_batch_size_number_of_epochs_or_initialization(traced):
    stack = [{"type": "Dropout", "rate": 0.5, "seed": 7}, *SCORE_LAYERS]
    other = [{"type": "Dropout", "rate": 0.5}, SCORE_LAYERS[0] | {"kernel_initializer": "he_normal"}, SCORE_LAYERS[1]]
    first = build_spec(stack, seed=1)
    second = build_spec(other, seed=2, batch_size=7, epochs=5, callbacks=[{"type": "ReduceLROnPlateau"}])
    assert_same_as_alone(first, second, draw_numbers(), traced)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"rate": 0.0}, {"rate": 0.5}),  # Keras leaves out a dropout of 0
        ({"rate": 0.5}, {"rate": 0.5, "noise_shape": [None, 1]}),
    ],
)
def test_other_arguments_need_another_graph(first, second, traced):
    specs = [build_spec([{"type": "Dropout", **arguments}, *SCORE_LAYERS]) for arguments in (first, second)]
    assert_same_as_alone(*specs, draw_numbers(), traced, traces=2)


@pytest.mark.parametrize(("kind", "name"), sorted(CONSTANTS))
def test_another_constant_needs_another_graph(kind, name, traced):
    module = next(module for module in (layers, optimizers, losses, regularizers, schedules) if hasattr(module, kind))
    part = getattr(module, kind)
    arguments = (
        {n: v for n, v in SCHEDULE_ARGUMENTS.items() if n in part.model_fields}
        if module is schedules
        else build_document(part)
    )
    engine, data = Engine(2**30), draw_numbers()
    for value in find_two_values(part, arguments, name):
        variant = arguments | {"type": kind, name: value}
        if module is layers:
            [(stack, data)] = stack_layers([variant])
            job_spec = build_spec(stack, epochs=1)
        elif module is losses:
            stack, data, _ = build_loss_job(part)
            job_spec = build_spec(stack, loss=variant, epochs=1)
        elif module is regularizers:
            job_spec = build_spec([SCORE_LAYERS[0] | {"kernel_regularizer": variant}, SCORE_LAYERS[1]], epochs=1)
        else:
            optimizer = variant if module is optimizers else {"type": "SGD", "learning_rate": variant}
            job_spec = build_spec(SCORE_LAYERS, optimizer=optimizer, epochs=1)
        train_with_engine(job_spec, data, engine)
    assert len(traced) == 2


def test_other_rows_need_another_graph(traced):
    engine = Engine(2**30)
    for data, loss in ((draw_labels("sparse"), "sparse_categorical_crossentropy"), (draw_labels("one_hot"), "mse")):
        stack, _, _ = build_loss_job(losses.CategoricalCrossentropy)
        train_with_engine(build_spec(stack, loss=loss), data, engine)
    assert len(traced) == 2


class TestEviction:
    """The cache of programs is bounded, and removes the least recently used."""

    WIDTHS = (3, 4, 5)

    def train(self, engine, units):
        train_with_engine(build_spec([{"type": "Dense", "units": units}, SCORE_LAYERS[1]]), draw_numbers(), engine)

    def test_all_programs_are_kept_if_they_fit(self, traced):
        engine = Engine(2**30)
        for units in (*self.WIDTHS, *self.WIDTHS):
            self.train(engine, units)
        assert len(traced) == 3

    def test_the_program_in_use_is_always_kept(self, traced):
        engine = Engine(1)
        for units in (3, 3, 4, 4, 3):
            self.train(engine, units)
        assert len(traced) == 3

    def test_the_least_recently_used_program_is_removed(self, traced):
        engine = Engine(120 * 2**20)  # for two programs
        for units in (3, 4, 3, 5, 3, 4):
            self.train(engine, units)
        assert len(traced) == 4

    def test_an_out_of_memory_error_clears_the_cache(self, traced):
        class OutOfMemory(RecordingObserver):
            def record_epoch(self, *_):
                raise MemoryError

        engine = Engine(2**30)
        self.train(engine, 3)
        with pytest.raises(MemoryError):
            engine.train(build_spec([{"type": "Dense", "units": 4}, SCORE_LAYERS[1]]), draw_numbers(), OutOfMemory())
        self.train(engine, 3)
        assert len(traced) == 3


def test_a_stopped_job_does_not_affect_the_next(traced):
    class Cancelled(Exception):
        pass

    class Cancel(RecordingObserver):
        def record_epoch(self, *_):
            raise Cancelled

    job_spec = build_spec(["BatchNormalization", *SCORE_LAYERS], optimizer="adam")
    engine = Engine(2**30)
    with pytest.raises(Cancelled):
        engine.train(job_spec, draw_numbers(), Cancel())
    outcome, observer = train_with_engine(job_spec, draw_numbers(), engine)
    assert len(traced) == 1
    uninterrupted, other_observer = train_with_engine(job_spec, draw_numbers())
    assert observer.columns() == other_observer.columns()
    for actual, expected in zip(get_variables(outcome.network), get_variables(uninterrupted.network), strict=True):
        np.testing.assert_array_equal(actual, expected)
