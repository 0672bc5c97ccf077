"""What was traced for one job serves the next of its architecture, and changes not a bit of it.

`test_same_bits.py` has the same of every layer, optimizer and loss.
"""

import numpy as np
import pytest

from stackyard.spec import layers
from stackyard.spec.network import constraints, regularizers
from stackyard.spec.training import losses, optimizers, schedules
from tests.worker.engine.open_numbers import NOT_OPEN, changed, document, two
from tests.worker.engine.parts import SCORES, classes, labels, numbers, pile, spec, under_loss
from tests.worker.engine.test_same_bits import LARGE, by_keras, variables
from tests.worker.stock import Told, trained
from tests.worker.variants import NEEDED
from worker.engine import Engine


def same_as_alone(first, second, data, traced, traces=1):
    """Train one job after the other, and hold the second against what comes of it alone."""
    engine = Engine(2**30)
    trained(first, data, engine)
    outcome, told = trained(second, data, engine)
    assert len(traced) == traces
    alone, history = by_keras(second, data)
    np.testing.assert_equal(told.columns(), history)
    for mine, theirs in zip(variables(outcome.network), variables(alone), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert outcome.network.get_config() == alone.get_config()


@pytest.mark.parametrize("part", [optimizers.Adam, optimizers.AdamW], ids=lambda part: part.__name__)
def test_the_numbers_of_an_adam_of_a_large_weight(part, traced):
    stack = [{"type": "Dense", "units": LARGE}, {"type": "Dense", "units": 1}]
    specs = [spec(stack, optimizer=one, epochs=2) for one in changed(part)]
    same_as_alone(*specs, numbers(), traced)


@pytest.mark.parametrize("part", [regularizers.L1, regularizers.L2, regularizers.L1L2, constraints.MaxNorm,
                                  constraints.MinMaxNorm], ids=lambda part: part.__name__)  # fmt: skip
def test_the_numbers_of_what_holds_weights(part, traced):
    argument = "kernel_constraint" if part in classes(constraints.Constraint) else "kernel_regularizer"
    specs = [spec([SCORES[0] | {argument: one}, SCORES[1]]) for one in changed(part)]
    same_as_alone(*specs, numbers(), traced)


OF_SCHEDULES = {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5, "first_decay_steps": 4}


@pytest.mark.parametrize("part", classes(schedules.Schedule), ids=lambda part: part.__name__)
def test_the_numbers_of_a_schedule_are_traced_anew(part, traced):
    given = NEEDED.get(part.__name__) or {n: v for n, v in OF_SCHEDULES.items() if n in part.model_fields}
    first, second = changed(part, {"type": part.__name__, **given})
    if part is schedules.PiecewiseConstantDecay:
        second = second | {"values": [0.5, 0.125]}
    engine = Engine(2**30)
    for rate in (first, second):
        trained(spec(SCORES, optimizer={"type": "SGD", "learning_rate": rate}, epochs=1), numbers(), engine)
    assert len(traced) == 2


def test_the_numbers_of_metrics(traced):
    stack, data, _ = under_loss(losses.BinaryCrossentropy)
    specs = [
        spec(stack, loss="bce", metrics=[{"type": "BinaryAccuracy", "threshold": at}, {"type": "AUC"}])
        for at in (0.25, 0.5)
    ]
    same_as_alone(*specs, data, traced)


def test_another_seed_batch_size_count_of_epochs_or_first_weights(traced):
    stack = [{"type": "Dropout", "rate": 0.5, "seed": 7}, *SCORES]
    other = [{"type": "Dropout", "rate": 0.5}, SCORES[0] | {"kernel_initializer": "he_normal"}, SCORES[1]]
    first = spec(stack, seed=1)
    second = spec(other, seed=2, batch_size=7, epochs=5, callbacks=[{"type": "ReduceLROnPlateau"}])
    same_as_alone(first, second, numbers(), traced)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"rate": 0.0}, {"rate": 0.5}),  # Keras leaves out what does nothing
        ({"rate": 0.5}, {"rate": 0.5, "noise_shape": [None, 1]}),
    ],
)
def test_another_graph_is_traced_anew(first, second, traced):
    specs = [spec([{"type": "Dropout", **one}, *SCORES]) for one in (first, second)]
    same_as_alone(*specs, numbers(), traced, traces=2)


@pytest.mark.parametrize(("kind", "name"), sorted(NOT_OPEN))
def test_a_number_that_is_not_open_is_traced_anew(kind, name, traced):
    room = next(room for room in (layers, optimizers, losses, regularizers, schedules) if hasattr(room, kind))
    part = getattr(room, kind)
    given = {n: v for n, v in OF_SCHEDULES.items() if n in part.model_fields} if room is schedules else document(part)
    engine, data = Engine(2**30), numbers()
    for value in two(part, given, name):
        one = given | {"type": kind, name: value}
        if room is layers:
            [(stack, data)] = pile([one])
            wanted = spec(stack, epochs=1)
        elif room is losses:
            stack, data, _ = under_loss(part)
            wanted = spec(stack, loss=one, epochs=1)
        elif room is regularizers:
            wanted = spec([SCORES[0] | {"kernel_regularizer": one}, SCORES[1]], epochs=1)
        else:
            optimizer = one if room is optimizers else {"type": "SGD", "learning_rate": one}
            wanted = spec(SCORES, optimizer=optimizer, epochs=1)
        trained(wanted, data, engine)
    assert len(traced) == 2


def test_other_rows_are_traced_anew(traced):
    engine = Engine(2**30)
    for data, loss in ((labels("sparse"), "sparse_categorical_crossentropy"), (labels("one_hot"), "mse")):
        stack, _, _ = under_loss(losses.CategoricalCrossentropy)
        trained(spec(stack, loss=loss), data, engine)
    assert len(traced) == 2


class TestRoom:
    """What is kept is bounded, and what was used last goes last."""

    WIDTHS = (3, 4, 5)

    def train(self, engine, units):
        trained(spec([{"type": "Dense", "units": units}, SCORES[1]]), numbers(), engine)

    def test_all_are_kept_where_there_is_room(self, traced):
        engine = Engine(2**30)
        for units in (*self.WIDTHS, *self.WIDTHS):
            self.train(engine, units)
        assert len(traced) == 3

    def test_the_one_in_use_is_kept_in_any_case(self, traced):
        engine = Engine(1)
        for units in (3, 3, 4, 4, 3):
            self.train(engine, units)
        assert len(traced) == 3

    def test_the_one_that_was_not_used_for_longest_goes(self, traced):
        engine = Engine(120 * 2**20)  # two of them
        for units in (3, 4, 3, 5, 3, 4):
            self.train(engine, units)
        assert len(traced) == 4

    def test_where_memory_ends_nothing_is_kept(self, traced):
        class Full(Told):
            def epoch(self, *_):
                raise MemoryError

        engine = Engine(2**30)
        self.train(engine, 3)
        with pytest.raises(MemoryError):
            engine.train(spec([{"type": "Dense", "units": 4}, SCORES[1]]), numbers(), Full())
        self.train(engine, 3)
        assert len(traced) == 3


def test_a_job_that_was_stopped_leaves_nothing_behind(traced):
    class Cancelled(Exception):
        pass

    class Wish(Told):
        def epoch(self, *_):
            raise Cancelled

    wanted = spec(["BatchNormalization", *SCORES], optimizer="adam")
    engine = Engine(2**30)
    with pytest.raises(Cancelled):
        engine.train(wanted, numbers(), Wish())
    outcome, told = trained(wanted, numbers(), engine)
    assert len(traced) == 1
    alone, heard = trained(wanted, numbers())
    assert told.columns() == heard.columns()
    for mine, theirs in zip(variables(outcome.network), variables(alone.network), strict=True):
        np.testing.assert_array_equal(mine, theirs)
