"""An epoch after the other, as Keras's `fit` goes through them."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np

from stackyard.spec import Training
from stackyard.spec.training import callbacks
from worker.engine import callback_state, training_state
from worker.engine.divergence import Divergence
from worker.engine.program.call_size import SLICE_S, Pace, guess
from worker.engine.program.compiled_program import Compiled, Metrics
from worker.engine.row_order import orders
from worker.engine.rows import Held, Rows, batch_of, steps_of
from worker.engine.snapshot import Snapshot
from worker.engine.training_observer import Watch
from worker.keras_build.compilation import build_callbacks
from worker.preparation.arrays import Array

_MOST_PLACES = 4_000_000
"""How many rows' places the orders of one call may hold."""
_FEWEST = 10
"""Epochs that fit into a slice where it pays to go over several in a call: it saves a millisecond of each."""
_LEFT = 400
"""Epochs to come for which it pays to turn to such calls, since TensorFlow prepares another graph for them."""

Logs = Mapping[str, Any] | None


class Fit:
    """One training of a compiled network, whose variables are as they are to be at its start.

    Args:
        compiled: what to train.
        training: of the job's spec.
        rows: to train on.
        validation: to validate by, after each epoch.
        watch: hears of every epoch; is asked between any two calls whether to go on, and whether it wants the state.
        start: from where to go on, of the same training.
        evaluated: by how many rows it is evaluated afterwards.

    """

    def __init__(
        self,
        compiled: Compiled,
        training: Training,
        rows: Rows,
        validation: Rows | None,
        watch: Watch,
        start: Snapshot | None = None,
        *,
        evaluated: int = 0,
    ) -> None:
        self._compiled = compiled
        self._training = training
        self._rows = rows
        self._validation = validation
        self._watch = watch
        self._start = start
        self._steps = steps_of(rows.count, training.batch_size)
        self._validation_batch = None if validation is None else batch_of(validation.count, training.batch_size)
        self._evaluation_batch = batch_of(evaluated, training.batch_size) if evaluated else None
        self._order = orders(training.shuffle, training.seed or 0, rows.count)
        self._stop = training.on_nonfinite == "stop"
        self._pace, self._test_pace = Pace(), Pace()
        self._epoch_s = guess(compiled.network, rows.count, self._steps)
        self._prepared: set[bool] = set()
        self._diverged: Divergence | None = None
        self._calls, self._doubted = 0, -1
        chosen = [one for one in training.callbacks if not isinstance(one, callbacks.TerminateOnNaN)]  # we do its work
        self._chosen = build_callbacks(chosen)
        self._callbacks: Any = keras.callbacks.CallbackList(
            [*self._chosen, _Telling(watch)], model=compiled.network, epochs=training.epochs, steps=self._steps
        )

    def preparing(self) -> AbstractContextManager[None]:
        """While this lasts, TensorFlow prepares the first epoch's calls; at its end, the training can begin."""
        first = 0 if self._start is None else self._start.epoch
        return self._compiled.preparing(
            several=self._several_fit(first), validation=self._validation_batch, evaluation=self._evaluation_batch
        )

    def run(self) -> Divergence | None:
        """Train to the end, whichever it is, and return where the training diverged, if it did and stopped there.

        Raises:
            CheckpointError: what it is to start from is of another network.

        """
        network = self._compiled.network
        epoch, logs = self._begin(), {}
        while epoch < self._training.epochs and not network.stop_training:
            since = time.perf_counter()
            several = self._several_fit(epoch)
            done = self._several(epoch) if several else [self._one(epoch)]
            # Neither an epoch's end tells how long the whole takes, nor a call of a graph that is prepared in it.
            if several in self._prepared and not self._begun(epoch):
                self._epoch_s = (time.perf_counter() - since) / len(done)
            self._prepared.add(several)
            epoch += len(done)
            logs = done[-1]
            self._offer(epoch, 0)
            if self._evaluation_batch is not None and self._diverged is None:
                # In the first of many epochs it would have kept back their calls.
                self._compiled.prepare_evaluation(self._evaluation_batch)
        self._compiled.hand_back()
        network.optimizer.finalize_variable_values(network.trainable_weights)
        self._callbacks.on_train_end(logs)
        return self._diverged

    def up_to(self, epoch: int, step: int) -> bool:
        """Train up to a step, and return whether it was come to: neither stopped nor diverged before."""
        network = self._compiled.network
        for before in range(self._begin(), epoch):
            self._one(before)
            if network.stop_training:
                return False
        if not self._begun(epoch):
            self._callbacks.on_epoch_begin(epoch)
            network.reset_metrics()
        self._train(epoch, self._order(epoch)[: step * self._training.batch_size])
        self._compiled.hand_back()
        return self._diverged is None

    def batch(self, epoch: int, step: int) -> tuple[Array, ...]:
        """Return the rows of a step."""
        size = self._training.batch_size
        return self._rows.chosen(self._order(epoch)[step * size : (step + 1) * size])

    def _begin(self) -> int:
        """Bring everything to where the training starts, and return in or before which epoch that is."""
        self._compiled.network.stop_training = False
        self._callbacks.on_train_begin()
        if self._start is not None:
            self._restore(self._start)
        self._compiled.take_over()
        return 0 if self._start is None else self._start.epoch

    def _restore(self, start: Snapshot) -> None:
        if start.step > self._steps:  # what callbacks then do to weights is undone at once
            self._callbacks.on_test_begin()
        training_state.assign(self._compiled.network, start.state, metrics=start.step > 0)
        callback_state.restore(self._chosen, start.callbacks, start.state)
        self._compiled.network.stop_training = start.stopped

    def _begun(self, epoch: int) -> int:
        """With which step of an epoch the training starts: not 0 in the one within which it does."""
        return self._start.step if self._start is not None and self._start.epoch == epoch else 0

    def _several_fit(self, epoch: int) -> bool:
        """Whether a call may go over several epochs: nobody acts between them, they are short, and none has begun."""
        if self._begun(epoch) or self._epoch_s * _FEWEST > SLICE_S:
            return False
        if self._prepared == {False} and self._training.epochs - epoch < _LEFT:
            return False
        in_memory = isinstance(self._rows, Held) and (self._validation is None or isinstance(self._validation, Held))
        return not self._chosen and in_memory and self._compiled.metrics_are_means

    def _one(self, epoch: int) -> Metrics:
        begun = self._begun(epoch)
        if not begun:
            self._callbacks.on_epoch_begin(epoch)
        metrics = self._train(epoch, self._order(epoch)) or self._compiled.metrics()
        self._compiled.make_whole()
        logs = dict(self._start.trained if self._start and begun > self._steps else metrics)
        if self._validation is not None:
            logs |= _validation(self._tested(epoch, self._validation, logs))
        self._callbacks.on_epoch_end(epoch, logs)
        self._end_if_diverged()
        return logs

    def _tested(self, epoch: int, rows: Rows, trained: Metrics) -> Metrics:
        done = max(0, self._begun(epoch) - self._steps)
        if not done:
            self._callbacks.on_test_begin()

        def after(step: int) -> None:
            self._watch.check()
            self._offer(epoch, self._steps + step, trained)

        tested = test(self._compiled, rows, self._training.batch_size, self._test_pace, after, done, take=None)
        self._callbacks.on_test_end(tested)
        return tested

    def _train(self, epoch: int, order: Array) -> Metrics | None:
        """Train for an epoch, and return the metrics over it if the last call did."""
        batch_size, metrics = self._training.batch_size, None
        for part in self._rows.slices(order, batch_size, self._pace, self._begun(epoch)):
            since = time.perf_counter()
            taken = self._compiled.train(
                part.rows, part.order, part.steps, batch_size, fresh=part.first == 0, stop=self._stop
            )
            self._pace.took(taken.step - part.steps.start, time.perf_counter() - since)
            self._calls += 1
            metrics = taken.metrics
            self._watch.check()
            if not taken.finite:
                self._diverged = Divergence(epoch, part.before + taken.step - 1)
                break
            self._offer(epoch, part.before + taken.step)
        return metrics

    def _several(self, first: int) -> list[Metrics]:
        rows, validation = self._rows, self._validation
        assert isinstance(rows, Held)  # noqa: S101 for the type checker; `_several_fit` has seen to it
        assert validation is None or isinstance(validation, Held)  # noqa: S101 likewise
        count = min(
            self._training.epochs - first,
            max(1, int(SLICE_S / self._epoch_s)),
            max(1, _MOST_PLACES // rows.count),
        )
        taken = self._compiled.train_epochs(
            rows.tensors,
            None if validation is None else validation.tensors,
            np.stack([self._order(first + place) for place in range(count)]),
            self._training.batch_size,
            batch=self._validation_batch or 0,
            stop=self._stop,
        )
        self._calls += 1
        if not taken.finite:
            self._diverged = Divergence(first + len(taken.metrics) - 1, taken.step - 1)
        done = [self._told(first + place, *metrics) for place, metrics in enumerate(taken.metrics)]
        self._end_if_diverged()
        return done

    def _told(self, epoch: int, trained: Metrics, tested: Metrics) -> Metrics:
        logs = {**trained, **_validation(tested)}
        self._watch.epoch(epoch, logs)  # as the one callback that there is would tell it
        return logs

    def _end_if_diverged(self) -> None:
        if self._diverged is not None:
            self._compiled.network.stop_training = True

    def _offer(self, epoch: int, step: int, trained: Metrics | None = None) -> None:
        """Hand the watch the state if it wants it and it is worth keeping; `epoch` and `step` are what comes next."""
        if self._diverged is not None or not self._watch.wants_checkpoint():
            return
        self._compiled.hand_back()
        kept = training_state.arrays(self._compiled.network, metrics=step > 0)
        if self._stop and self._is_doubtful(kept):
            return
        stopped = bool(self._compiled.network.stop_training)
        callbacks = callback_state.numbers(self._chosen)
        self._watch.checkpoint(
            Snapshot(epoch, step, kept | callback_state.arrays(self._chosen), callbacks, stopped, trained or {})
        )

    def _is_doubtful(self, kept: Mapping[str, Array]) -> bool:
        """Whether the next step's loss may not be finite: weights are not, and no step has gone well with such yet."""
        if training_state.is_sound(kept) or self._doubted not in {-1, self._calls}:
            return False
        self._doubted = self._calls
        return True


def test(
    compiled: Compiled,
    rows: Rows,
    batch_size: int,
    pace: Pace,
    after: Callable[[int], None],
    first: int,
    take: Callable[[Array], None] | None,
) -> Metrics:
    """Return the network's metrics over rows, as its `evaluate` gives them.

    Args:
        compiled: the network.
        rows: to test by.
        batch_size: rows a step.
        pace: says how many steps a call takes.
        after: is called after each call, with the number of steps that are done.
        first: the first step that is not done yet; the metrics are those of the steps before it.
        take: takes the network's outputs, those of each call; None where nobody wants them.

    """
    metrics, batch = None, batch_of(rows.count, batch_size)
    for part in rows.slices(np.arange(rows.count, dtype=np.int32), batch_size, pace, first):
        since = time.perf_counter()
        tested = compiled.test(
            part.rows, part.steps, batch_size, batch=batch, fresh=part.first == 0, kept=take is not None
        )
        pace.took(len(part.steps), time.perf_counter() - since)
        metrics = tested.metrics
        if take is not None and tested.outputs is not None:
            take(tested.outputs)
        after(part.first + len(part.steps))
    return metrics or compiled.metrics()


def _validation(logs: Metrics) -> dict[str, float]:
    return {f"val_{name}": value for name, value in logs.items()}


class _Telling(keras.callbacks.Callback):
    """Tells of every epoch, after the spec's callbacks have put into its logs what they put there."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Tell."""
        self._watch.epoch(epoch, dict(logs or {}))
