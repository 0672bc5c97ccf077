"""A training that is resumed from a snapshot is bit-identical to an uninterrupted one.

`test_same_bits` checks this for every part of the spec language; here it is checked for all kinds of positions.
"""

import math
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from stackyard.spec.training import callbacks
from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers, list_classes
from tests.worker.engine.test_same_bits import get_variables
from tests.worker.keras_reference import RecordingObserver, SnapshotObserver, train_with_engine
from worker.attempt import checkpoint_file
from worker.engine import CheckpointError, Engine, callback_state, training_loop
from worker.engine.backend.program_selection import select_program_class
from worker.engine.program import call_size
from worker.keras_build.compilation import build_callbacks
from worker.preparation import mapped_rows

BATCH, STEPS, VALIDATION_STEPS, EPOCHS = 8, 5, 3, 4
"""40 training rows and 24 validation rows, in steps of `BATCH` rows."""


@pytest.fixture
def stepwise(monkeypatch):
    """Have every call take one step within this context, so that every step has a snapshot."""

    @contextmanager
    def stepwise():
        with monkeypatch.context() as patched:
            patched.setattr(call_size.CallSizer, "steps", 1)
            patched.setattr(training_loop, "TARGET_CALL_S", 0.0)
            yield

    return stepwise


@pytest.fixture
def undisturbed(stepwise, engine):
    """Train with all snapshots, and assert that they do not change the results."""

    def undisturbed(job_spec, data):
        with stepwise():
            outcome, observer = train_with_engine(job_spec, data, engine, observer=SnapshotObserver())
        uninterrupted, other_observer = train_with_engine(job_spec, data, engine)
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)
        return outcome, observer, {(snapshot.epoch, snapshot.step): snapshot for snapshot in observer.snapshots}

    return undisturbed


@pytest.fixture(scope="module")
def engine():
    """An engine with cached graphs of other jobs."""
    return Engine(2**30)


@pytest.fixture
def through_file(tmp_path):
    def through_file(snapshot):
        job = uuid4()
        with (tmp_path / "checkpoint").open("wb") as file:
            checkpoint_file.write_checkpoint(snapshot, file, job_id=job, attempt=1)
        return checkpoint_file.read_checkpoint(tmp_path / "checkpoint", job_id=job)

    return through_file


def assert_same_end(one, other, *, observer, other_observer):
    """Assert equal results, and that the one's reported epochs are the last of the other's."""
    assert one.divergence == other.divergence
    np.testing.assert_equal(
        observer.epochs, other_observer.epochs[len(other_observer.epochs) - len(observer.epochs) :]
    )
    for actual, expected in zip(get_variables(one.network), get_variables(other.network), strict=True):
        np.testing.assert_array_equal(actual, expected)


STACK = [{"type": "Dropout", "rate": 0.3}, "BatchNormalization", *SCORE_LAYERS]
EMA = {"type": "Adam", "learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}
PLATEAU = {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 0.1, "factor": 0.5, "cooldown": 1}
EARLY = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "restore_best_weights": True}
SCHEDULE = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.7}
SCHEDULER = {"type": "LearningRateScheduler", "schedule": SCHEDULE}
TRAININGS = {
    "no callbacks": {},
    "metrics that are no means, and Keras's row order": {"metrics": ["r2_score", "mae"], "shuffle": "keras"},
    "a learning rate that falls on a plateau": {"callbacks": [PLATEAU]},
    "early stopping": {"callbacks": [EARLY], "epochs": 20},
    "a schedule by epoch": {"callbacks": [SCHEDULER]},
    "validation with moving averages": {"optimizer": EMA, "callbacks": ["SwapEMAWeights"]},
    "moving averages in every epoch": {
        "optimizer": EMA,
        "callbacks": [{"type": "SwapEMAWeights", "swap_on_epoch": True}],
    },
    "all callbacks": {
        "optimizer": EMA,
        "callbacks": ["SwapEMAWeights", SCHEDULER, EARLY, PLATEAU, "TerminateOnNaN"],
        "epochs": 20,
    },
}


def build_job(case="no callbacks"):
    training = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": True, "optimizer": "adam"}
    return build_spec(STACK, **training | TRAININGS[case])


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", TRAININGS)
def test_resuming_from_all_kinds_of_positions(case, undisturbed, engine, through_file):
    job_spec, data = build_job(case), draw_numbers()
    uninterrupted, other_observer, snapshots = undisturbed(job_spec, data)
    end = (len(other_observer.epochs), 0)
    assert max(snapshots) == end
    assert snapshots[end].stopped is (case in {"early stopping", "all callbacks"})
    for position in [(1, 2), (1, STEPS + 1), (2, 0), end]:
        outcome, observer = train_with_engine(job_spec, data, engine, snapshot=through_file(snapshots[position]))
        assert len(observer.epochs) == end[0] - position[0]
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


@pytest.mark.exhaustive
def test_resuming_with_a_new_engine(undisturbed, through_file):
    job_spec, data = build_job("all callbacks"), draw_numbers()
    uninterrupted, other_observer, snapshots = undisturbed(job_spec, data)
    outcome, observer = train_with_engine(
        job_spec, data, Engine(2**30), snapshot=through_file(snapshots[2, STEPS + 1])
    )
    assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


def test_resuming_between_calls_of_several_epochs(engine):
    job_spec = build_spec(STACK, batch_size=BATCH, epochs=80, shuffle=True, optimizer="adam")
    uninterrupted, other_observer = train_with_engine(job_spec, draw_numbers(), engine, observer=SnapshotObserver())
    boundaries = [snapshot.epoch for snapshot in other_observer.snapshots if snapshot.step == 0]
    assert boundaries != list(range(1, 81))  # otherwise each call took one epoch
    for snapshot in (other_observer.snapshots[-2], other_observer.snapshots[len(other_observer.snapshots) // 2]):
        outcome, observer = train_with_engine(job_spec, draw_numbers(), engine, snapshot=snapshot)
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


class Stopped(Exception):
    pass


class StopAtFourthSnapshot(SnapshotObserver):
    """Stops the training at the fourth snapshot."""

    def save_checkpoint(self, snapshot):
        self.snapshots.append(snapshot)
        if len(self.snapshots) == 4:
            raise Stopped


@pytest.mark.exhaustive
def test_resuming_repeatedly(stepwise, undisturbed, engine, through_file):
    """The positions vary, since every epoch has nine snapshots."""
    job_spec, data = build_job("all callbacks"), draw_numbers()
    uninterrupted, other_observer, _ = undisturbed(job_spec, data)
    attempts, start = [], None
    with stepwise():
        while True:
            attempts.append(StopAtFourthSnapshot())
            try:
                outcome, _ = train_with_engine(job_spec, data, engine, observer=attempts[-1], snapshot=start)
            except Stopped:
                start = through_file(attempts[-1].snapshots[-1])
            else:
                break
    assert len(attempts) > 5
    all_epochs = RecordingObserver()
    all_epochs.epochs = [epoch for attempt in attempts for epoch in attempt.epochs]
    assert len(all_epochs.epochs) == len(other_observer.epochs)
    assert_same_end(outcome, uninterrupted, observer=all_epochs, other_observer=other_observer)


@pytest.mark.exhaustive
@pytest.mark.parametrize("max_mapped_bytes", [1 << 30, 0], ids=["mapped", "read"])
def test_rows_in_files(stepwise, undisturbed, engine, tmp_path, monkeypatch, max_mapped_bytes):
    monkeypatch.setattr(mapped_rows, "_MAX_MAPPED_BYTES", max_mapped_bytes)
    data, files = draw_numbers(), {}
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        np.save(tmp_path / f"{name}.npy", getattr(data, name))
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    in_files, job_spec = replace(data, **files), build_job("all callbacks")
    uninterrupted, other_observer, _ = undisturbed(job_spec, data)
    with stepwise():
        _, file_observer = train_with_engine(job_spec, in_files, engine, observer=SnapshotObserver())
    snapshots = {(snapshot.epoch, snapshot.step): snapshot for snapshot in file_observer.snapshots}
    for position in [(1, 2), (1, STEPS), (1, STEPS + 1)]:
        outcome, observer = train_with_engine(job_spec, in_files, engine, snapshot=snapshots[position])
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


def test_a_resumed_epoch_does_not_affect_the_estimated_duration(undisturbed, engine, monkeypatch):
    """Otherwise a very short rest of an epoch would make the next call take very many epochs."""
    _, _, snapshots = undisturbed(build_job(), draw_numbers())
    monkeypatch.setattr(training_loop, "TARGET_CALL_S", 100.0)
    monkeypatch.setattr(training_loop, "estimate_epoch_s", lambda *_: math.inf)
    monkeypatch.setattr(training_loop, "_MIN_REMAINING_EPOCHS", 0)
    calls, train = [], select_program_class().train_steps

    def record_call(self, rows, order, steps, *args, **kwargs):
        calls.append(steps)
        return train(self, rows, order, steps, *args, **kwargs)

    monkeypatch.setattr(select_program_class(), "train_steps", record_call)
    train_with_engine(build_job(), draw_numbers(), engine, snapshot=snapshots[1, STEPS + VALIDATION_STEPS])
    assert [step for steps in calls for step in steps] == list(range(STEPS))


DIVERGING = [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 1}]


class TestDiverged:
    """Snapshots of a training whose loss stops being finite."""

    def build_job(self, rate=3.0, **training):
        return build_spec(DIVERGING, optimizer={"type": "SGD", "learning_rate": rate}, batch_size=BATCH, **training)

    def is_finite(self, snapshot):
        return all(np.isfinite(array).all() for array in snapshot.state.values())

    def test_the_last_snapshot_is_finite_and_ends_alike(self, undisturbed, engine):
        uninterrupted, other_observer, snapshots = undisturbed(self.build_job(), draw_numbers())
        assert uninterrupted.divergence.forward_pass is not None
        assert max(snapshots) == (uninterrupted.divergence.epoch, uninterrupted.divergence.step)
        assert all(self.is_finite(snapshot) for snapshot in other_observer.snapshots)
        for start in (other_observer.snapshots[-1], other_observer.snapshots[0]):
            outcome, observer = train_with_engine(self.build_job(), draw_numbers(), engine, snapshot=start)
            assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)

    def test_nonfinite_weights_are_not_saved_though_the_loss_is_finite(self, undisturbed):
        data = draw_numbers()
        np.multiply(data.x_train, 1e3, out=data.x_train)
        outcome, other_observer, _ = undisturbed(self.build_job(rate=1e38), data)
        assert (outcome.divergence.epoch, outcome.divergence.step) == (0, 1)
        assert other_observer.snapshots == []

    def test_nonfinite_weights_are_saved_after_another_finite_loss(self, undisturbed, engine):
        """An infinite moving variance does not make the next loss infinite."""
        data = draw_numbers()
        np.multiply(data.x_train, 1e25, out=data.x_train)
        job_spec = build_spec(["BatchNormalization", *SCORE_LAYERS], batch_size=BATCH, epochs=2)
        uninterrupted, other_observer, snapshots = undisturbed(job_spec, data)
        assert uninterrupted.divergence is None
        assert not any(self.is_finite(snapshot) for snapshot in other_observer.snapshots)
        assert list(snapshots)[:2] == [(0, 2), (0, 3)]
        outcome, observer = train_with_engine(job_spec, data, engine, snapshot=other_observer.snapshots[0])
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)

    def test_a_training_that_continues_saves_nonfinite_weights(self, undisturbed, engine):
        job_spec = self.build_job(on_nonfinite="continue", epochs=4)
        uninterrupted, other_observer, _ = undisturbed(job_spec, draw_numbers())
        last = other_observer.snapshots[-2]
        assert not self.is_finite(last)
        outcome, observer = train_with_engine(job_spec, draw_numbers(), engine, snapshot=last)
        assert_same_end(outcome, uninterrupted, observer=observer, other_observer=other_observer)


class TestCallbackState:
    """The state of callbacks."""

    def test_every_callback_of_the_spec_language_is_supported(self):
        parts = [part for part in list_classes(callbacks.Callback) if part is not callbacks.TerminateOnNaN]
        required = {callbacks.LearningRateScheduler: SCHEDULER}
        instances = build_callbacks(
            [part.model_validate(required.get(part, {"type": part.__name__})) for part in parts]
        )
        assert {type(instance) for instance in instances} == set(callback_state._ATTRIBUTES)

    def test_all_attributes_that_change_are_saved(self, engine, monkeypatch):
        instances = []

        def record_callbacks(parts):
            instances.extend(build_callbacks(parts))
            return list(instances)

        class RecordInitialState(RecordingObserver):
            def check(self):
                self.before = [dict(vars(instance)) for instance in instances] if not self.checks else self.before
                super().check()

        monkeypatch.setattr(training_loop, "build_callbacks", record_callbacks)
        _, observer = train_with_engine(
            build_job("all callbacks"), draw_numbers(), engine, observer=RecordInitialState()
        )
        settings = {"monitor_op", "min_delta", "best_weights"}
        for callback, before in zip(instances, observer.before, strict=True):
            changed = {name for name, value in vars(callback).items() if value is not before.get(name)}
            assert changed - settings <= set(callback_state._ATTRIBUTES[type(callback)])


class TestSnapshotOfAnotherTraining:
    """A snapshot that does not fit is an error, and nothing is trained."""

    @pytest.fixture
    def snapshot(self, engine):
        return train_with_engine(build_job("early stopping"), draw_numbers(), engine, observer=SnapshotObserver())[
            1
        ].snapshots[0]

    @pytest.mark.parametrize(
        "change",
        [
            lambda state: state | {"network/0": state["network/0"][:1]},
            lambda state: state | {"network/0": state["network/0"].astype("float64")},
            lambda state: state | {"network/99": state["network/0"]},
            lambda state: {name: array for name, array in state.items() if name != "optimizer/0"},
            lambda state: {name: array for name, array in state.items() if not name.startswith("metrics")},
            lambda state: {name: array for name, array in state.items() if not name.startswith("callbacks")},
        ],
        ids=["another shape", "another type", "one more", "one less", "no metrics", "no best weights"],
    )
    def test_other_variables(self, change, snapshot, engine):
        best = {"best_weights": 1}
        snapshot = replace(snapshot, callback_state={"0": snapshot.callback_state["0"] | best})
        snapshot = replace(snapshot, state=snapshot.state | {"callbacks/0/best_weights/0": np.zeros(1)})
        self.assert_rejected(replace(snapshot, state=change(snapshot.state)), engine)

    def test_other_callbacks(self, snapshot, engine):
        self.assert_rejected(replace(snapshot, callback_state={}), engine)
        self.assert_rejected(replace(snapshot, callback_state={"0": {"wait": 1}}), engine)

    def assert_rejected(self, start, engine):
        observer = RecordingObserver()
        with pytest.raises(CheckpointError):
            train_with_engine(build_job("early stopping"), draw_numbers(), engine, snapshot=start, observer=observer)
        assert (observer.epochs, observer.checks) == ([], 0)
