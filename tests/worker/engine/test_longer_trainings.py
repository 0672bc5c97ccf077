"""A training that pauses after some epochs, or goes on after its last one, has the bits of an uninterrupted one."""

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.engine.sample_jobs import build_spec, draw_numbers
from tests.worker.engine.test_early_end import FinishingObserver, replace_epochs
from tests.worker.engine.test_resumption import BATCH, DIVERGING, EMA, TRAININGS, assert_same_end, build_job
from tests.worker.keras_reference import RecordingObserver, train_with_engine
from worker.engine import Engine, training_loop
from worker.engine.program import call_size

SWAPS_IN_LAST_EPOCH = "moving averages in every epoch"
FAST_CASE = "a learning rate that falls on a plateau"
CASES = [pytest.param(case, marks=() if case == FAST_CASE else pytest.mark.exhaustive) for case in TRAININGS]


class Paused(Exception):
    """The training has paused."""


class PausingObserver(RecordingObserver):
    """Pauses the training after some epochs."""

    def __init__(self, until_epoch):
        super().__init__()
        self._until_epoch = until_epoch
        self.snapshot = None

    def get_until_epoch(self):
        return self._until_epoch

    def pause_training(self, snapshot):
        self.snapshot = snapshot
        raise Paused


class FinalObserver(RecordingObserver):
    """Keeps the final snapshot."""

    snapshot = None

    def wants_final_snapshot(self, size):
        return size > 0

    def save_final_snapshot(self, snapshot):
        assert self.snapshot is None
        self.snapshot = snapshot


class FinishingFinalObserver(FinalObserver, FinishingObserver):
    """Ends the training at a step of an epoch, and keeps the final snapshot."""


@pytest.fixture(scope="module")
def engine():
    return Engine(2**30)


def train_in_parts(job_spec, data, engine, numbers):
    """Train up to each of these epochs in turn, and then to the end; return the outcome and all epochs."""
    epochs, snapshot = RecordingObserver(), None
    for until_epoch in (*numbers, None):
        observer = PausingObserver(until_epoch)
        try:
            outcome, _ = train_with_engine(job_spec, data, engine, snapshot=snapshot, observer=observer)
        except Paused:
            snapshot = observer.snapshot
            assert (snapshot.epoch, snapshot.step, snapshot.stopped) == (until_epoch, 0, False)
        epochs.epochs += observer.epochs
    return outcome, epochs


@pytest.mark.parametrize("case", CASES)
def test_a_training_that_pauses_after_each_epoch(case, engine):
    job_spec, data = build_job(case), draw_numbers()
    uninterrupted, other_observer = train_with_engine(job_spec, data, engine)
    outcome, observer = train_in_parts(job_spec, data, engine, range(1, len(other_observer.epochs)))
    assert observer.epochs == other_observer.epochs
    assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


def test_calls_of_several_epochs_end_where_the_training_pauses(engine):
    job_spec = replace_epochs(build_job(), 80)
    uninterrupted, other_observer = train_with_engine(job_spec, draw_numbers(), engine)
    outcome, observer = train_in_parts(job_spec, draw_numbers(), engine, (7, 8, 50))
    assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


def test_a_number_of_all_epochs_or_below_the_snapshot_does_not_train_another_epoch(engine):
    job_spec = build_job()
    outcome, observer = train_with_engine(job_spec, draw_numbers(), engine, observer=PausingObserver(4))
    assert (len(observer.epochs), outcome.early_end) == (4, None)
    paused = PausingObserver(2)
    with pytest.raises(Paused):
        train_with_engine(job_spec, draw_numbers(), engine, observer=paused)
    again = PausingObserver(1)
    with pytest.raises(Paused):
        train_with_engine(job_spec, draw_numbers(), engine, observer=again, snapshot=paused.snapshot)
    assert (again.epochs, again.snapshot.epoch) == ([], 2)


def test_a_training_whose_weights_are_not_finite_pauses_and_then_diverges_as_without_the_pause(engine):
    data = draw_numbers()
    rows = {"x_train": data.x_train[:BATCH] * np.float32(1e3), "y_train": data.y_train[:BATCH]}
    data = replace(data, **rows)
    job_spec = build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 1e38}, batch_size=BATCH, epochs=3)
    uninterrupted, other_observer = train_with_engine(job_spec, data, engine)
    assert (uninterrupted.divergence.epoch, uninterrupted.divergence.step) == (1, 0)
    outcome, observer = train_in_parts(job_spec, data, engine, (1,))
    assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


@pytest.mark.parametrize("case", CASES)
def test_a_training_that_goes_on_after_its_last_epoch(case, engine):
    job_spec, data, observer = replace_epochs(build_job(case), 2), draw_numbers(), FinalObserver()
    longer_spec = replace_epochs(job_spec, 4)
    train_with_engine(job_spec, data, engine, observer=observer)
    if case == SWAPS_IN_LAST_EPOCH:
        assert observer.snapshot is None, "the last epoch replaced the trained weights"
        return
    longer, other_observer = train_with_engine(longer_spec, data, engine)
    outcome, resumed = train_with_engine(longer_spec, data, engine, snapshot=observer.snapshot)
    assert len(resumed.epochs) == len(other_observer.epochs) - 2
    assert_same_end(outcome, longer, observer=resumed, other_observer=other_observer)


def test_a_training_that_a_callback_stops_or_that_diverges_keeps_no_snapshot(engine):
    stopping = {"type": "EarlyStopping", "monitor": "loss", "min_delta": 1000.0, "patience": 1}
    stopped = build_spec(DIVERGING, optimizer=EMA, batch_size=BATCH, epochs=9, callbacks=[stopping])
    diverging = build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": 1e38}, batch_size=BATCH, epochs=9)
    for job_spec in (stopped, diverging):
        _, observer = train_with_engine(job_spec, draw_numbers(), engine, observer=FinalObserver())
        assert observer.snapshot is None


@pytest.mark.parametrize("step", [pytest.param(0, marks=pytest.mark.exhaustive), 2])
def test_a_finished_training_goes_on_where_the_client_ended_it(step, engine, monkeypatch):
    job_spec, data = build_job("a learning rate that falls on a plateau"), draw_numbers()
    longer, other_observer = train_with_engine(job_spec, data, engine)
    observer = FinishingFinalObserver(1, step)
    with monkeypatch.context() as patched:
        patched.setattr(call_size.CallSizer, "steps", 1)
        patched.setattr(training_loop, "TARGET_CALL_S", 0.0)
        finished, _ = train_with_engine(job_spec, data, engine, observer=observer)
    assert finished.early_end.is_cut is bool(step)
    assert (observer.snapshot.epoch, observer.snapshot.step, observer.snapshot.stopped) == (1, step, False)
    outcome, resumed = train_with_engine(job_spec, data, engine, snapshot=observer.snapshot)
    assert_same_end(outcome, longer, observer=resumed, other_observer=other_observer)
