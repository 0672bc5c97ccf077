"""The training loop: epoch after epoch, as in Keras's `fit`."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from stackyard.spec import Training
from stackyard.spec.training import callbacks
from stackyard.spec.training.metric_directions import resolve_modes
from worker.engine import callback_state, training_state
from worker.engine.backend.program_interface import Metrics, Program
from worker.engine.divergence import Divergence
from worker.engine.early_end import EarlyEnd, build_early_end
from worker.engine.program.call_size import TARGET_CALL_S, CallSizer, estimate_epoch_s
from worker.engine.row_order import build_row_order
from worker.engine.rows import InMemoryRows, Rows, count_steps, get_fixed_batch_size
from worker.engine.snapshot import Snapshot
from worker.engine.training_observer import TrainingObserver
from worker.keras_build.compilation import build_callbacks
from worker.preparation.arrays import Array

_MIN_EPOCHS_PER_CALL = 10
"""Epochs that must fit into a call for which several epochs in a call are worth it."""
_MIN_REMAINING_EPOCHS = 400
"""Remaining epochs for which it is worth it to switch to such calls, since TensorFlow then prepares another graph."""

Logs = Mapping[str, Any] | None


class TrainingLoop:
    """One training of a compiled network, whose variables have their initial values.

    Args:
        program: the program to train with.
        training: of the job's spec.
        rows: the training rows.
        validation: the validation rows, used after each epoch.
        observer: is informed of every epoch. Between calls it may stop the training, or ask for the state.
        snapshot: a snapshot of the same training, from which to continue.
        evaluation_rows: number of rows of the evaluation after the training.

    """

    def __init__(
        self,
        program: Program,
        training: Training,
        rows: Rows,
        validation: Rows | None,
        observer: TrainingObserver,
        snapshot: Snapshot | None = None,
        *,
        evaluation_rows: int = 0,
    ) -> None:
        self._program = program
        self._training = training
        self._rows = rows
        self._validation = validation
        self._observer = observer
        self._snapshot = snapshot
        self._steps = count_steps(rows.count, training.batch_size)
        self._validation_batch = (
            None if validation is None else get_fixed_batch_size(validation.count, training.batch_size)
        )
        self._evaluation_batch = (
            get_fixed_batch_size(evaluation_rows, training.batch_size) if evaluation_rows else None
        )
        self._get_order = build_row_order(training.shuffle, training.seed or 0, rows.count)
        self._stop_on_nonfinite = training.on_nonfinite == "stop"
        self._pace, self._validation_pace = CallSizer(), CallSizer()
        self._epoch_s = estimate_epoch_s(program.network, rows.count, self._steps)
        self._prepared_calls: set[bool] = set()
        """Which kinds of calls were made: True for several epochs in a call, False for steps of an epoch."""
        self._divergence: Divergence | None = None
        self._call_count, self._nonfinite_weights_at_call = 0, -1
        self._epochs_done, self._is_cut, self._is_finishing = 0, False, False
        # The loop itself does the work of TerminateOnNaN.
        parts = [part for part in resolve_modes(training) if not isinstance(part, callbacks.TerminateOnNaN)]
        self._spec_callbacks = build_callbacks(parts)
        self._callbacks: Any = keras.callbacks.CallbackList(
            [*self._spec_callbacks, _EpochReporter(observer)],
            model=program.network,
            epochs=training.epochs,
            steps=self._steps,
        )

    def prepare_calls(self) -> AbstractContextManager[None]:
        """Return a context in which TensorFlow prepares the first calls; at its end, the training can begin."""
        first_epoch = 0 if self._snapshot is None else self._snapshot.epoch
        return self._program.prepare_training(
            several_epochs=self._can_train_several_epochs(first_epoch),
            validation_batch_size=self._validation_batch,
            evaluation_batch_size=self._evaluation_batch,
        )

    def run(self) -> Divergence | None:
        """Train to the end, and return where the training diverged if it stopped for that reason.

        Raises:
            CheckpointError: the snapshot is of another network.

        """
        network = self._program.network
        epoch, logs = self._start_training(), {}
        if epoch and not self._get_resumed_step(epoch):
            self._stop_if_requested(epoch)
            self._pause_if_due(epoch)
        # A snapshot within the validation of a cut epoch is of a training that has stopped.
        while epoch < self._training.epochs and (self._get_resumed_step(epoch) or not network.stop_training):
            start_time = time.perf_counter()
            is_several = self._can_train_several_epochs(epoch)
            epoch_metrics = self._train_several_epochs(epoch) if is_several else [self._train_epoch(epoch)]
            # A resumed epoch does not tell the duration of a whole one, nor does the first call of a graph.
            if is_several in self._prepared_calls and not self._get_resumed_step(epoch):
                self._epoch_s = (time.perf_counter() - start_time) / len(epoch_metrics)
            self._prepared_calls.add(is_several)
            epoch += len(epoch_metrics)
            logs = epoch_metrics[-1]
            self._stop_if_requested(epoch)
            self._pause_if_due(epoch)
            self._offer_snapshot(epoch, 0)
            if self._evaluation_batch is not None and self._divergence is None:
                # Not earlier, since in the first epoch it would delay the training's own calls.
                self._program.prepare_evaluation(self._evaluation_batch)
        self._save_final_snapshot(epoch)
        network.optimizer.finalize_variable_values(network.trainable_weights)
        self._callbacks.on_train_end(logs)
        self._epochs_done = epoch
        return self._divergence

    def describe_early_end(self) -> EarlyEnd | None:
        """Return how the training ended if it ended before its last epoch; call it after `run`."""
        if self._epochs_done == self._training.epochs and not self._is_cut:
            return None
        return build_early_end(self._spec_callbacks, self._epochs_done - 1, is_cut=self._is_cut)

    def run_until(self, epoch: int, step: int) -> bool:
        """Train until a step, and return whether it was reached: neither stopped nor diverged before."""
        network = self._program.network
        for earlier_epoch in range(self._start_training(), epoch):
            self._train_epoch(earlier_epoch)
            if network.stop_training:
                return False
        if not self._get_resumed_step(epoch):
            self._callbacks.on_epoch_begin(epoch)
            network.reset_metrics()
        self._train_steps(epoch, self._get_order(epoch)[: step * self._training.batch_size])
        return self._divergence is None

    def select_batch(self, epoch: int, step: int) -> tuple[Array, ...]:
        """Return the rows of a step."""
        size = self._training.batch_size
        return self._rows.select_rows(self._get_order(epoch)[step * size : (step + 1) * size])

    def _start_training(self) -> int:
        """Set the initial state, or that of the snapshot, and return the first epoch."""
        self._program.network.stop_training = False
        self._callbacks.on_train_begin()
        if self._snapshot is not None:
            self._load_snapshot(self._snapshot)
        return 0 if self._snapshot is None else self._snapshot.epoch

    def _load_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.step > self._steps:  # callbacks may change weights here; the next line sets them again
            self._callbacks.on_test_begin()
        training_state.load_arrays(self._program.network, snapshot.state, metrics=snapshot.step > 0)
        callback_state.load_state(self._spec_callbacks, snapshot.callback_state, snapshot.state)
        self._program.network.stop_training = snapshot.stopped
        self._is_cut = snapshot.stopped and snapshot.step > 0

    def _get_resumed_step(self, epoch: int) -> int:
        """Return the first step to take of an epoch: 0, except for the epoch within which the training resumes."""
        return self._snapshot.step if self._snapshot is not None and self._snapshot.epoch == epoch else 0

    def _can_train_several_epochs(self, epoch: int) -> bool:
        """Return whether a call may take several epochs: they are short, and no callback acts between them."""
        if self._get_resumed_step(epoch) or self._epoch_s * _MIN_EPOCHS_PER_CALL > TARGET_CALL_S:
            return False
        if self._prepared_calls == {False} and self._count_epochs_ahead(epoch) < _MIN_REMAINING_EPOCHS:
            return False
        in_memory = isinstance(self._rows, InMemoryRows) and (
            self._validation is None or isinstance(self._validation, InMemoryRows)
        )
        return not self._spec_callbacks and in_memory and self._program.can_train_epochs

    def _count_epochs_ahead(self, epoch: int) -> int:
        """Return how many epochs to train before the next pause or the end; at least one."""
        until_epoch = self._observer.get_until_epoch()
        last_epoch = self._training.epochs if until_epoch is None else min(until_epoch, self._training.epochs)
        return max(1, last_epoch - epoch)

    def _train_epoch(self, epoch: int) -> Metrics:
        resumed_step = self._get_resumed_step(epoch)
        if not resumed_step:
            self._callbacks.on_epoch_begin(epoch)
        metrics = self._train_steps(epoch, self._get_order(epoch)) or self._program.compute_metrics()
        logs = dict(self._snapshot.train_metrics if self._snapshot and resumed_step > self._steps else metrics)
        if self._validation is not None:
            logs |= _prefix_validation(self._validate(epoch, self._validation, logs))
        self._callbacks.on_epoch_end(epoch, logs)
        self._stop_if_diverged()
        return logs

    def _validate(self, epoch: int, rows: Rows, train_metrics: Metrics) -> Metrics:
        resumed_step = max(0, self._get_resumed_step(epoch) - self._steps)
        if not resumed_step:
            self._callbacks.on_test_begin()

        def after_call(step: int) -> None:
            self._observer.check()
            self._offer_snapshot(epoch, self._steps + step, train_metrics)

        metrics = evaluate_rows(
            self._program,
            rows,
            self._training.batch_size,
            self._validation_pace,
            after_call,
            resumed_step,
            handle_outputs=None,
        )
        self._callbacks.on_test_end(metrics)
        return metrics

    def _train_steps(self, epoch: int, order: Array) -> Metrics | None:
        """Train the steps of an epoch, and return the metrics over it if the last call computed them."""
        batch_size, metrics = self._training.batch_size, None
        for piece in self._rows.iterate_slices(order, batch_size, self._pace, self._get_resumed_step(epoch)):
            start_time = time.perf_counter()
            result = self._program.train_steps(
                piece.rows,
                piece.order,
                piece.steps,
                batch_size,
                reset_metrics=piece.first_step == 0,
                stop_on_nonfinite=self._stop_on_nonfinite,
            )
            self._pace.record_call(result.step - piece.steps.start, time.perf_counter() - start_time)
            self._call_count += 1
            metrics = result.metrics
            self._observer.check()
            if not result.is_finite:
                self._divergence = Divergence(epoch, piece.step_offset + result.step - 1)
                break
            if piece.step_offset + result.step < self._steps and self._stop_if_requested(epoch):
                self._save_final_snapshot(epoch, piece.step_offset + result.step)
                self._is_cut = True
                break
            self._offer_snapshot(epoch, piece.step_offset + result.step)
        return metrics

    def _train_several_epochs(self, first_epoch: int) -> list[Metrics]:
        rows, validation = self._rows, self._validation
        assert isinstance(rows, InMemoryRows)  # noqa: S101 for the type checker; `_can_train_several_epochs` checks it
        assert validation is None or isinstance(validation, InMemoryRows)  # noqa: S101 likewise
        count = min(
            self._count_epochs_ahead(first_epoch),
            max(1, int(TARGET_CALL_S / self._epoch_s)),
            self._program.limit_epochs(rows.count),
        )
        result = self._program.train_epochs(
            rows.wrapped_rows,
            None if validation is None else validation.wrapped_rows,
            np.stack([self._get_order(first_epoch + index) for index in range(count)]),
            self._training.batch_size,
            fixed_batch_size=self._validation_batch or 0,
            stop_on_nonfinite=self._stop_on_nonfinite,
        )
        self._call_count += 1
        if not result.is_finite:
            self._divergence = Divergence(first_epoch + len(result.metrics) - 1, result.step - 1)
        logs = [self._report_epoch(first_epoch + index, *metrics) for index, metrics in enumerate(result.metrics)]
        self._stop_if_diverged()
        return logs

    def _report_epoch(self, epoch: int, train_metrics: Metrics, validation_metrics: Metrics) -> Metrics:
        logs = {**train_metrics, **_prefix_validation(validation_metrics)}
        self._observer.record_epoch(epoch, logs)  # in place of `_EpochReporter`, the only callback there is
        return logs

    def _stop_if_requested(self, epochs: int) -> bool:
        """End the training, as a callback can, if the observer wants it after so many epochs."""
        if not self._observer.wants_finish(epochs):
            return False
        self._is_finishing = not self._program.network.stop_training
        self._program.network.stop_training = True
        return True

    def _pause_if_due(self, epochs: int) -> None:
        """Let the observer pause a training that is to go on, if it has trained as many epochs as it may now."""
        until_epoch = self._observer.get_until_epoch()
        if until_epoch is None or epochs < until_epoch or epochs >= self._training.epochs:
            return
        if not self._program.network.stop_training:
            self._observer.pause_training(self._take_snapshot(epochs, 0))

    def _stop_if_diverged(self) -> None:
        if self._divergence is not None:
            self._program.network.stop_training = True

    def _offer_snapshot(self, epoch: int, step: int, train_metrics: Metrics | None = None) -> None:
        """Give the observer a snapshot if it wants one and the state is usable; `epoch` and `step` come next."""
        if self._divergence is not None or not self._observer.wants_checkpoint():
            return
        snapshot = self._take_snapshot(epoch, step, train_metrics)
        if not (self._stop_on_nonfinite and self._may_diverge_next(snapshot.state)):
            self._observer.save_checkpoint(snapshot)

    def _save_final_snapshot(self, epoch: int, step: int = 0) -> None:
        """Give the observer the state from which a longer training of the same spec would go on, if there is one.

        A longer training would also stop where a callback stopped this one, but not where a client finished it.
        """
        is_complete = epoch == self._training.epochs
        if self._divergence is not None or self._is_cut or not (is_complete or self._is_finishing):
            return
        if is_complete and callback_state.overwrite_last_weights(self._spec_callbacks):
            return
        if self._observer.wants_final_snapshot(training_state.measure_state(self._program.network)):
            snapshot = self._take_snapshot(epoch, step)
            self._observer.save_final_snapshot(replace(snapshot, stopped=snapshot.stopped and not self._is_finishing))

    def _take_snapshot(self, epoch: int, step: int, train_metrics: Metrics | None = None) -> Snapshot:
        """Return the state that the program has stored in the network; `epoch` and `step` come next."""
        arrays = training_state.read_arrays(self._program.network, metrics=step > 0)
        arrays |= callback_state.collect_arrays(self._spec_callbacks)
        scalars = callback_state.collect_scalars(self._spec_callbacks)
        stopped = bool(self._program.network.stop_training)
        return Snapshot(epoch, step, arrays, scalars, stopped, train_metrics or {})

    def _may_diverge_next(self, arrays: Mapping[str, Array]) -> bool:
        """Return whether weights are not finite and no later call has had a finite loss yet."""
        if training_state.has_finite_weights(arrays) or self._nonfinite_weights_at_call not in {-1, self._call_count}:
            return False
        self._nonfinite_weights_at_call = self._call_count
        return True


def evaluate_rows(
    program: Program,
    rows: Rows,
    batch_size: int,
    call_sizer: CallSizer,
    after_call: Callable[[int], None],
    first_step: int,
    handle_outputs: Callable[[Array], None] | None,
) -> Metrics:
    """Return the network's metrics over rows, as Keras's `evaluate` does.

    Args:
        program: the program of the network.
        rows: to evaluate.
        batch_size: number of rows in a step.
        call_sizer: chooses the number of steps in a call.
        after_call: called after each call with the number of completed steps.
        first_step: the first step that is not completed; the program's metrics are those of the steps before it.
        handle_outputs: receives the network's outputs of each call; None if they are not needed.

    """
    metrics, batch = None, get_fixed_batch_size(rows.count, batch_size)
    for piece in rows.iterate_slices(np.arange(rows.count, dtype=np.int32), batch_size, call_sizer, first_step):
        start_time = time.perf_counter()
        result = program.evaluate_steps(
            piece.rows,
            piece.steps,
            batch_size,
            fixed_batch_size=batch,
            reset_metrics=piece.first_step == 0,
            return_outputs=handle_outputs is not None,
        )
        call_sizer.record_call(len(piece.steps), time.perf_counter() - start_time)
        metrics = result.metrics
        if handle_outputs is not None and result.outputs is not None:
            handle_outputs(result.outputs)
        after_call(piece.first_step + len(piece.steps))
    return metrics or program.compute_metrics()


def _prefix_validation(metrics: Metrics) -> dict[str, float]:
    return {f"val_{name}": value for name, value in metrics.items()}


class _EpochReporter(keras.callbacks.Callback):
    """Reports every epoch, after the spec's callbacks have added their values to its metrics."""

    def __init__(self, observer: TrainingObserver) -> None:
        super().__init__()
        self._observer = observer

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Report the epoch's metrics."""
        self._observer.record_epoch(epoch, dict(logs or {}))
