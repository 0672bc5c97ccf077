"""How much of a training goes into a call, and what happens between two of them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.engine.parts import SCORES, numbers, spec
from tests.worker.engine.test_same_bits import by_keras, variables
from tests.worker.stock import Told, trained
from worker.engine import Engine, training_loop
from worker.engine.program.call_size import SLICE_S, Pace
from worker.engine.program.compiled_program import Compiled


@pytest.fixture
def calls(monkeypatch):
    """What was asked of the compiled calls: the steps of an epoch, or how many epochs."""
    made = []

    def train(self, rows, order, steps, *given, **named):
        made.append(steps)
        return one(self, rows, order, steps, *given, **named)

    def train_epochs(self, rows, validation, orders, *given, **named):
        made.append(len(orders))
        return many(self, rows, validation, orders, *given, **named)

    one, many = Compiled.train, Compiled.train_epochs
    monkeypatch.setattr(Compiled, "train", train)
    monkeypatch.setattr(Compiled, "train_epochs", train_epochs)
    return made


def test_the_first_call_tells_nothing_and_the_second_how_many_steps_fill_a_slice():
    pace = Pace()
    assert pace.steps == 1
    pace.took(1, 5.0)
    assert pace.steps == 1
    pace.took(1, SLICE_S / 100)
    assert pace.steps == 100
    pace.took(100, SLICE_S * 4)
    assert pace.steps == 25
    pace.took(25, SLICE_S * 100)
    assert pace.steps == 1


def test_an_epoch_s_calls_take_each_step_once(calls):
    trained(spec(SCORES, epochs=2, batch_size=4, callbacks=[{"type": "ReduceLROnPlateau"}]), numbers())
    steps = [list(part) for part in calls if isinstance(part, range)]
    assert [step for part in steps for step in part] == [*range(10), *range(10)]


def test_short_epochs_share_a_call_where_nobody_acts_between_them(calls):
    wanted = spec(SCORES, epochs=50)
    _, told = trained(wanted, numbers())
    assert any(isinstance(count, int) and count > 1 for count in calls)
    assert [number for number, _ in told.epochs] == list(range(50))


def test_what_may_be_long_begins_with_a_step(calls):
    trained(spec(SCORES), numbers())
    assert calls == [3]  # epochs: a few weights and steps
    calls.clear()
    trained(spec(["Flatten", *SCORES]), numbers((4, 3)))
    assert calls[0] == range(1)  # of a layer with other axes than rows and features nobody knows
    calls.clear()
    trained(spec([{"type": "Dense", "units": 3_000}, {"type": "Dense", "units": 3_000}, *SCORES], epochs=1), numbers())
    assert calls[0] == range(1)  # nine million weights


@pytest.mark.parametrize(("epochs", "turns"), [(20, False), (40, True)])
def test_what_was_thought_long_turns_to_several_epochs_a_call_where_many_are_left(calls, monkeypatch, epochs, turns):
    monkeypatch.setattr(training_loop, "guess", lambda *_: 100.0)
    monkeypatch.setattr(training_loop, "_LEFT", 30)
    trained(spec(SCORES, epochs=epochs), numbers())
    assert isinstance(calls[0], range)
    assert any(isinstance(count, int) for count in calls) is turns


def test_a_callback_has_every_epoch_to_itself(calls):
    trained(spec(SCORES, epochs=50, callbacks=[{"type": "ReduceLROnPlateau"}]), numbers())
    assert not any(isinstance(count, int) for count in calls)


def test_a_metric_that_is_no_mean_is_read_after_every_epoch(calls):
    wanted = spec(SCORES, epochs=30, metrics=["r2_score"])
    _, told = trained(wanted, numbers())
    assert not any(isinstance(count, int) for count in calls)
    np.testing.assert_equal(told.columns(), by_keras(wanted, numbers())[1])


def test_a_divergence_among_many_epochs_in_a_call_is_where_it_is_among_single_ones():
    """A rate that grows by its schedule makes the loss leave float32 after dozens of epochs."""
    rate = {"type": "ExponentialDecay", "initial_learning_rate": 0.01, "decay_steps": 3, "decay_rate": 1.2}
    optimizer = {"type": "SGD", "learning_rate": rate}
    wanted = spec(SCORES, epochs=200, optimizer=optimizer)
    outcome, told = trained(wanted, numbers())
    network, history = by_keras(wanted, numbers())
    assert outcome.diverged is not None
    assert outcome.diverged.epoch == len(history["loss"]) - 1 > 10
    np.testing.assert_equal(told.columns(), history)
    for mine, theirs in zip(variables(outcome.network), variables(network), strict=True):
        np.testing.assert_array_equal(mine, theirs)


class Impatient(Told):
    """Wants it to stop the second time it is asked."""

    def check(self):
        super().check()
        if self.checks == 2:
            raise KeyboardInterrupt


def test_whoever_looks_on_is_asked_between_calls():
    told = Impatient()
    wanted = spec(SCORES, epochs=1, batch_size=4, callbacks=[{"type": "ReduceLROnPlateau"}])
    with pytest.raises(KeyboardInterrupt):
        Engine(2**30).train(wanted, numbers(), told)
    assert told.epochs == []


def test_rows_that_nobody_may_change_will_do():
    data = numbers()
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        getattr(data, name).flags.writeable = False
    assert len(trained(spec(SCORES), data)[1].epochs) == 3


def test_rows_in_files_are_trained_on_to_the_same_bits(tmp_path):
    data, files = numbers(), {}
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        np.save(tmp_path / f"{name}.npy", getattr(data, name))
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    wanted = spec([{"type": "Dropout", "rate": 0.3}, *SCORES], batch_size=4, shuffle=True, epochs=4)
    outcome, told = trained(wanted, replace(data, **files))
    held, heard = trained(wanted, data)
    assert told.columns() == heard.columns()
    for mine, theirs in zip(variables(outcome.network), variables(held.network), strict=True):
        np.testing.assert_array_equal(mine, theirs)
