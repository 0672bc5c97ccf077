"""The amount of work in a call, and actions between calls."""

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers
from tests.worker.engine.test_same_bits import fit_by_spec, get_variables
from tests.worker.keras_reference import RecordingObserver, train_with_engine
from worker.engine import Engine, training_loop
from worker.engine.backend.program_selection import select_program_class
from worker.engine.program.call_size import TARGET_CALL_S, CallSizer


@pytest.fixture
def calls(monkeypatch):
    """Record the calls: the steps of an epoch, or the number of epochs."""
    calls = []

    def train(self, rows, order, steps, *args, **kwargs):
        calls.append(steps)
        return original_train(self, rows, order, steps, *args, **kwargs)

    def train_epochs(self, rows, validation, orders, *args, **kwargs):
        calls.append(len(orders))
        return original_train_epochs(self, rows, validation, orders, *args, **kwargs)

    original_train, original_train_epochs = select_program_class().train_steps, select_program_class().train_epochs
    monkeypatch.setattr(select_program_class(), "train_steps", train)
    monkeypatch.setattr(select_program_class(), "train_epochs", train_epochs)
    return calls


def test_the_number_of_steps_follows_the_duration_of_the_last_call():
    pace = CallSizer()
    assert pace.steps == 1
    pace.record_call(1, 5.0)
    assert pace.steps == 1
    pace.record_call(1, TARGET_CALL_S / 100)
    assert pace.steps == 100
    pace.record_call(100, TARGET_CALL_S * 4)
    assert pace.steps == 25
    pace.record_call(25, TARGET_CALL_S * 100)
    assert pace.steps == 1


def test_the_calls_of_an_epoch_take_each_step_once(calls):
    train_with_engine(
        build_spec(SCORE_LAYERS, epochs=2, batch_size=4, callbacks=[{"type": "ReduceLROnPlateau"}]), draw_numbers()
    )
    calls_of_steps = [steps for steps in calls if isinstance(steps, range)]
    assert [step for steps in calls_of_steps for step in steps] == [*range(10), *range(10)]


def test_short_epochs_share_a_call_without_callbacks(calls):
    job_spec = build_spec(SCORE_LAYERS, epochs=50)
    _, observer = train_with_engine(job_spec, draw_numbers())
    assert any(isinstance(count, int) and count > 1 for count in calls)
    assert [number for number, _ in observer.epochs] == list(range(50))


def test_the_first_call_of_a_long_training_takes_one_step(calls):
    train_with_engine(build_spec(SCORE_LAYERS), draw_numbers())
    assert calls == [3]  # all epochs, since there are few weights and steps
    calls.clear()
    train_with_engine(build_spec(["Flatten", *SCORE_LAYERS]), draw_numbers((4, 3)))
    assert calls[0] == range(1)  # other axes than rows and features: the duration is unknown
    calls.clear()
    train_with_engine(
        build_spec([{"type": "Dense", "units": 3_000}, {"type": "Dense", "units": 3_000}, *SCORE_LAYERS], epochs=1),
        draw_numbers(),
    )
    assert calls[0] == range(1)  # nine million weights


@pytest.mark.parametrize(("epochs", "switches"), [(20, False), (40, True)])
def test_calls_of_several_epochs_begin_later_if_many_epochs_remain(calls, monkeypatch, epochs, switches):
    monkeypatch.setattr(training_loop, "estimate_epoch_s", lambda *_: 100.0)
    monkeypatch.setattr(training_loop, "_MIN_REMAINING_EPOCHS", 30)
    train_with_engine(build_spec(SCORE_LAYERS, epochs=epochs), draw_numbers())
    assert isinstance(calls[0], range)
    assert any(isinstance(count, int) for count in calls) is switches


def test_with_a_callback_calls_take_no_several_epochs(calls):
    train_with_engine(build_spec(SCORE_LAYERS, epochs=50, callbacks=[{"type": "ReduceLROnPlateau"}]), draw_numbers())
    assert not any(isinstance(count, int) for count in calls)


@pytest.mark.exhaustive
def test_with_a_metric_that_is_no_mean_calls_take_no_several_epochs(calls):
    job_spec = build_spec(SCORE_LAYERS, epochs=30, metrics=["r2_score"])
    _, observer = train_with_engine(job_spec, draw_numbers())
    assert not any(isinstance(count, int) for count in calls)
    np.testing.assert_equal(observer.columns(), fit_by_spec(job_spec, draw_numbers())[1])


@pytest.mark.exhaustive
def test_divergence_in_a_call_of_several_epochs():
    """A growing learning rate makes the loss exceed float32 after dozens of epochs."""
    rate = {"type": "ExponentialDecay", "initial_learning_rate": 0.01, "decay_steps": 3, "decay_rate": 1.2}
    optimizer = {"type": "SGD", "learning_rate": rate}
    job_spec = build_spec(SCORE_LAYERS, epochs=200, optimizer=optimizer)
    outcome, observer = train_with_engine(job_spec, draw_numbers())
    network, history = fit_by_spec(job_spec, draw_numbers())
    assert outcome.divergence is not None
    assert outcome.divergence.epoch == len(history["loss"]) - 1 > 10
    np.testing.assert_equal(observer.columns(), history)
    for actual, expected in zip(get_variables(outcome.network), get_variables(network), strict=True):
        np.testing.assert_array_equal(actual, expected)


class Impatient(RecordingObserver):
    """Stops the training at the second check."""

    def check(self):
        super().check()
        if self.checks == 2:
            raise KeyboardInterrupt


def test_the_observer_can_stop_the_training_between_calls():
    observer = Impatient()
    job_spec = build_spec(SCORE_LAYERS, epochs=1, batch_size=4, callbacks=[{"type": "ReduceLROnPlateau"}])
    with pytest.raises(KeyboardInterrupt):
        Engine(2**30).train(job_spec, draw_numbers(), observer)
    assert observer.epochs == []


def test_read_only_rows():
    data = draw_numbers()
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        getattr(data, name).flags.writeable = False
    assert len(train_with_engine(build_spec(SCORE_LAYERS), data)[1].epochs) == 3


def test_training_on_rows_in_files_is_bit_identical(tmp_path):
    data, files = draw_numbers(), {}
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        np.save(tmp_path / f"{name}.npy", getattr(data, name))
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    job_spec = build_spec([{"type": "Dropout", "rate": 0.3}, *SCORE_LAYERS], batch_size=4, shuffle=True, epochs=4)
    outcome, observer = train_with_engine(job_spec, replace(data, **files))
    outcome_in_memory, other_observer = train_with_engine(job_spec, data)
    assert observer.columns() == other_observer.columns()
    for actual, expected in zip(get_variables(outcome.network), get_variables(outcome_in_memory.network), strict=True):
        np.testing.assert_array_equal(actual, expected)
