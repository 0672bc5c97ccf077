"""A training that goes on from a snapshot ends with the bits of one that nobody disturbed.

That this holds for every part of the language is a part of test_same_bits; here it is about the places.
"""

import math
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from stackyard.spec.training import callbacks
from tests.worker.engine.parts import SCORES, classes, numbers, spec
from tests.worker.engine.test_same_bits import variables
from tests.worker.stock import Keeping, Told, trained
from worker.attempt import checkpoint_file
from worker.engine import CheckpointError, Engine, callback_state, training_loop
from worker.engine.program import call_size
from worker.engine.program.compiled_program import Compiled
from worker.keras_build.compilation import build_callbacks
from worker.preparation import mapped_rows

BATCH, STEPS, TESTS, EPOCHS = 8, 5, 3, 4
"""40 rows to train on and 24 to validate by, in steps of so many."""


@pytest.fixture
def stepwise(monkeypatch):
    """While this lasts every call takes one step, so that a training can be taken up between any two."""

    @contextmanager
    def stepwise():
        with monkeypatch.context() as patched:
            patched.setattr(call_size.Pace, "steps", 1)
            patched.setattr(training_loop, "SLICE_S", 0.0)
            yield

    return stepwise


@pytest.fixture
def undisturbed(stepwise, engine):
    """A training, and every state that it went through, which is found not to have disturbed it."""

    def undisturbed(wanted, data):
        with stepwise():
            outcome, told = trained(wanted, data, engine, told=Keeping())
        alone, heard = trained(wanted, data, engine)
        same(outcome, alone, told=told, heard=heard)
        return outcome, told, {(one.epoch, one.step): one for one in told.kept}

    return undisturbed


@pytest.fixture(scope="module")
def engine():
    """Keeps its graphs: a job that goes on meets what others left behind."""
    return Engine(2**30)


@pytest.fixture
def through_file(tmp_path):
    def through_file(snapshot):
        job = uuid4()
        with (tmp_path / "checkpoint").open("wb") as file:
            checkpoint_file.write(snapshot, file, job_id=job, attempt=1)
        return checkpoint_file.read(tmp_path / "checkpoint", job_id=job)

    return through_file


def same(one, other, *, told, heard):
    """Find the end of two trainings to be the same, and what was told of the one the end of what was of the other."""
    assert one.diverged == other.diverged
    np.testing.assert_equal(told.epochs, heard.epochs[len(heard.epochs) - len(told.epochs) :])
    for mine, theirs in zip(variables(one.network), variables(other.network), strict=True):
        np.testing.assert_array_equal(mine, theirs)


STACK = [{"type": "Dropout", "rate": 0.3}, "BatchNormalization", *SCORES]
EMA = {"type": "Adam", "learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}
PLATEAU = {"type": "ReduceLROnPlateau", "patience": 1, "min_delta": 0.1, "factor": 0.5, "cooldown": 1}
EARLY = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "restore_best_weights": True}
SCHEDULE = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.7}
SCHEDULER = {"type": "LearningRateScheduler", "schedule": SCHEDULE}
TRAININGS = {
    "nobody acts between epochs": {},
    "metrics that are no means, and Keras's order": {"metrics": ["r2_score", "mae"], "shuffle": "keras"},
    "the rate falls on a plateau": {"callbacks": [PLATEAU]},
    "stopped early": {"callbacks": [EARLY], "epochs": 20},
    "a schedule of epochs": {"callbacks": [SCHEDULER]},
    "tested with running means": {"optimizer": EMA, "callbacks": ["SwapEMAWeights"]},
    "left with running means": {"optimizer": EMA, "callbacks": [{"type": "SwapEMAWeights", "swap_on_epoch": True}]},
    "all at once": {
        "optimizer": EMA,
        "callbacks": ["SwapEMAWeights", SCHEDULER, EARLY, PLATEAU, "TerminateOnNaN"],
        "epochs": 20,
    },
}


def job(case="nobody acts between epochs"):
    training = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": True, "optimizer": "adam"}
    return spec(STACK, **training | TRAININGS[case])


@pytest.mark.parametrize("case", TRAININGS)
def test_from_every_kind_of_place(case, undisturbed, engine, through_file):
    wanted, data = job(case), numbers()
    whole, heard, places = undisturbed(wanted, data)
    end = (len(heard.epochs), 0)
    assert max(places) == end
    assert places[end].stopped is (case in {"stopped early", "all at once"})
    for place in [(1, 2), (1, STEPS + 1), (2, 0), end]:
        outcome, told = trained(wanted, data, engine, start=through_file(places[place]))
        assert len(told.epochs) == end[0] - place[0]
        same(outcome, whole, told=told, heard=heard)


def test_by_an_engine_that_has_traced_nothing(undisturbed, through_file):
    wanted, data = job("all at once"), numbers()
    whole, heard, places = undisturbed(wanted, data)
    outcome, told = trained(wanted, data, Engine(2**30), start=through_file(places[2, STEPS + 1]))
    same(outcome, whole, told=told, heard=heard)


def test_between_calls_of_many_epochs(engine):
    wanted = spec(STACK, batch_size=BATCH, epochs=80, shuffle=True, optimizer="adam")
    whole, heard = trained(wanted, numbers(), engine, told=Keeping())
    boundaries = [one.epoch for one in heard.kept if one.step == 0]
    assert boundaries != list(range(1, 81))  # or each call took one
    for one in (heard.kept[-2], heard.kept[len(heard.kept) // 2]):
        outcome, told = trained(wanted, numbers(), engine, start=one)
        same(outcome, whole, told=told, heard=heard)


class Stopped(Exception):
    pass


class Leg(Keeping):
    """Hands over at its fourth chance."""

    def checkpoint(self, snapshot):
        self.kept.append(snapshot)
        if len(self.kept) == 4:
            raise Stopped


def test_again_and_again(stepwise, undisturbed, engine, through_file):
    """So that a training is taken up at each kind of place: every epoch has nine of them."""
    wanted, data = job("all at once"), numbers()
    whole, heard, _ = undisturbed(wanted, data)
    legs, start = [], None
    with stepwise():
        while True:
            legs.append(Leg())
            try:
                outcome, _ = trained(wanted, data, engine, told=legs[-1], start=start)
            except Stopped:
                start = through_file(legs[-1].kept[-1])
            else:
                break
    assert len(legs) > 5
    together = Told()
    together.epochs = [epoch for leg in legs for epoch in leg.epochs]
    assert len(together.epochs) == len(heard.epochs)
    same(outcome, whole, told=together, heard=heard)


@pytest.mark.parametrize("small", [mapped_rows._SMALL, 0], ids=["mapped", "read"])
def test_rows_in_files(stepwise, undisturbed, engine, tmp_path, monkeypatch, small):
    monkeypatch.setattr(mapped_rows, "_SMALL", small)
    data, files = numbers(), {}
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        np.save(tmp_path / f"{name}.npy", getattr(data, name))
        files[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    in_files, wanted = replace(data, **files), job("all at once")
    whole, heard, _ = undisturbed(wanted, data)
    with stepwise():
        _, kept = trained(wanted, in_files, engine, told=Keeping())
    places = {(one.epoch, one.step): one for one in kept.kept}
    for place in [(1, 2), (1, STEPS), (1, STEPS + 1)]:
        outcome, told = trained(wanted, in_files, engine, start=places[place])
        same(outcome, whole, told=told, heard=heard)


def test_the_rest_of_an_epoch_tells_nothing_of_how_long_one_takes(undisturbed, engine, monkeypatch):
    """Else one that took no time would have the next call go over very many."""
    _, _, places = undisturbed(job(), numbers())
    monkeypatch.setattr(training_loop, "SLICE_S", 100.0)
    monkeypatch.setattr(training_loop, "guess", lambda *_: math.inf)
    monkeypatch.setattr(training_loop, "_LEFT", 0)
    made, train = [], Compiled.train

    def counted(self, rows, order, steps, *given, **named):
        made.append(steps)
        return train(self, rows, order, steps, *given, **named)

    monkeypatch.setattr(Compiled, "train", counted)
    trained(job(), numbers(), engine, start=places[1, STEPS + TESTS])
    assert [step for steps in made for step in steps] == list(range(STEPS))


WILD = [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 1}]


class TestDiverged:
    """What is kept of a training whose loss stops being finite."""

    def job(self, rate=3.0, **training):
        return spec(WILD, optimizer={"type": "SGD", "learning_rate": rate}, batch_size=BATCH, **training)

    def finite(self, snapshot):
        return all(np.isfinite(array).all() for array in snapshot.state.values())

    def test_the_last_one_is_finite_and_ends_alike(self, undisturbed, engine):
        whole, heard, places = undisturbed(self.job(), numbers())
        assert whole.diverged.forward is not None
        assert max(places) == (whole.diverged.epoch, whole.diverged.step)
        assert all(self.finite(one) for one in heard.kept)
        for start in (heard.kept[-1], heard.kept[0]):
            outcome, told = trained(self.job(), numbers(), engine, start=start)
            same(outcome, whole, told=told, heard=heard)

    def test_weights_that_are_lost_are_not_kept_though_the_loss_was_still_finite(self, undisturbed):
        data = numbers()
        np.multiply(data.x_train, 1e3, out=data.x_train)
        outcome, heard, _ = undisturbed(self.job(rate=1e38), data)
        assert (outcome.diverged.epoch, outcome.diverged.step) == (0, 1)
        assert heard.kept == []

    def test_they_are_once_they_have_done_no_harm(self, undisturbed, engine):
        """A moving variance that is infinite: the next step is as finite as the last."""
        data = numbers()
        np.multiply(data.x_train, 1e25, out=data.x_train)
        wanted = spec(["BatchNormalization", *SCORES], batch_size=BATCH, epochs=2)
        whole, heard, places = undisturbed(wanted, data)
        assert whole.diverged is None
        assert not any(self.finite(one) for one in heard.kept)
        assert list(places)[:2] == [(0, 2), (0, 3)]
        outcome, told = trained(wanted, data, engine, start=heard.kept[0])
        same(outcome, whole, told=told, heard=heard)

    def test_one_that_is_to_continue_is_kept_as_it_is(self, undisturbed, engine):
        wanted = self.job(on_nonfinite="continue", epochs=4)
        whole, heard, _ = undisturbed(wanted, numbers())
        last = heard.kept[-2]
        assert not self.finite(last)
        outcome, told = trained(wanted, numbers(), engine, start=last)
        same(outcome, whole, told=told, heard=heard)


class TestMemories:
    """What callbacks remember."""

    def test_every_callback_of_the_language_is_known(self):
        parts = [part for part in classes(callbacks.Callback) if part is not callbacks.TerminateOnNaN]
        needed = {callbacks.LearningRateScheduler: SCHEDULER}
        made = build_callbacks([part.model_validate(needed.get(part, {"type": part.__name__})) for part in parts])
        assert {type(one) for one in made} == set(callback_state._ATTRIBUTES)

    def test_all_that_changes_is_kept(self, engine, monkeypatch):
        made = []

        def built(wanted):
            made.extend(build_callbacks(wanted))
            return list(made)

        class First(Told):
            def check(self):
                self.before = [dict(vars(one)) for one in made] if not self.checks else self.before
                super().check()

        monkeypatch.setattr(training_loop, "build_callbacks", built)
        _, told = trained(job("all at once"), numbers(), engine, told=First())
        of_settings = {"monitor_op", "min_delta", "best_weights"}
        for callback, before in zip(made, told.before, strict=True):
            changed = {name for name, value in vars(callback).items() if value is not before.get(name)}
            assert changed - of_settings <= set(callback_state._ATTRIBUTES[type(callback)])


class TestOfAnotherTraining:
    """What does not fit is refused, and harms nobody."""

    @pytest.fixture
    def kept(self, engine):
        return trained(job("stopped early"), numbers(), engine, told=Keeping())[1].kept[0]

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
    def test_other_variables(self, change, kept, engine):
        best = {"best_weights": 1}
        kept = replace(kept, callbacks={"0": kept.callbacks["0"] | best})
        kept = replace(kept, state=kept.state | {"callbacks/0/best_weights/0": np.zeros(1)})
        self.is_refused(replace(kept, state=change(kept.state)), engine)

    def test_other_callbacks(self, kept, engine):
        self.is_refused(replace(kept, callbacks={}), engine)
        self.is_refused(replace(kept, callbacks={"0": {"wait": 1}}), engine)

    def is_refused(self, start, engine):
        told = Told()
        with pytest.raises(CheckpointError):
            trained(job("stopped early"), numbers(), engine, start=start, told=told)
        assert (told.epochs, told.checks) == ([], 0)
