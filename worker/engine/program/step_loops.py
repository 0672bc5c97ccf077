"""Loops over Keras's own steps, to be traced into graphs.

`network.train_step` and `network.test_step` are traced as Keras traces them: for a fixed number of rows if all batches
are equal, else for any number. The rows and the Dropout masks of a step do not depend on the step before it. They are
computed during that step, on another core if one is free.
"""

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from worker.engine.optimizations.dropout_masks import DropoutLayers, Masks, Seeds
from worker.engine.optimizations.flat_adam import flatten_adam
from worker.engine.optimizations.lean_adam import use_lean_update
from worker.engine.optimizations.split_kernels import SplitKernels

_tf: Any = tf  # which carries no types; tensors are Any from here on

RowTensors = tuple[Any, ...]
"""`x`, `y` and optionally sample weights, as tensors with equal numbers of rows."""


class StepLoops:
    """Loops over steps of a network. They replace parts of its optimizer by faster ones.

    Args:
        network: a keras.Sequential, compiled, with a built optimizer.
        rows: types and shapes of the training rows.
        evaluation_rows: types and shapes of the evaluation rows.
        fixed_batch_size: number of rows of each training step, or 0 if the steps differ.
        split_kernels: the network's split kernels, if there are any.

    """

    def __init__(
        self,
        network: Any,
        rows: RowTensors,
        evaluation_rows: RowTensors,
        fixed_batch_size: int,
        split_kernels: SplitKernels | None = None,
    ) -> None:
        self._network = network
        self._batch = fixed_batch_size
        self._halves = split_kernels
        use_lean_update(network.optimizer)
        relocated_states = (flatten_adam(network), split_kernels)
        self._relocated_states = [state for state in relocated_states if state is not None]
        self._dropouts = DropoutLayers(network)
        # Steps are functions of their own, as in Keras.
        self._train_step = _compile_step(self._run_train_step, rows, self._dropouts.signature)
        self._evaluation_signature = evaluation_rows
        self._test_steps: dict[int, Any] = {}
        """By the number of rows of each step, or 0 if the steps differ."""
        self._loss_uses_logits = False
        """Whether the loss may use the input of a final sigmoid, whose bits then differ on processors with AVX-512."""
        self.metric_names: list[str] = []

    def trace_step(self) -> None:
        """Trace a step, in which Keras creates the metrics' variables, and read the metrics' names."""
        self._train_step.get_concrete_function()
        self.metric_names = list(self._network.get_metrics_result())

    def load_state(self) -> None:
        """Load the state of the network's and its optimizer's variables, before steps are taken."""
        for state in self._relocated_states:
            state.load_state()

    def store_state(self) -> None:
        """Store the state in the network's and its optimizer's variables, after steps have changed it elsewhere."""
        for state in self._relocated_states:
            state.store_state()

    def store_weights(self) -> None:
        """Store only the network's weights, which is enough for an evaluation."""
        if self._halves is not None:
            self._halves.store_weights()

    @property
    def has_only_mean_metrics(self) -> bool:
        """Whether all metrics are means: only those are bit-identical inside and outside of a graph."""
        metrics = [part for metric in self._network.metrics for part in getattr(metric, "metrics", [metric])]
        return all(isinstance(metric, keras.metrics.Mean) for metric in metrics)

    def train_steps(
        self, rows: RowTensors, order: Any, first: Any, last: Any, batch_size: Any, stop_on_nonfinite: Any
    ) -> tuple[Any, Any, Any]:
        """Train the steps of an epoch from `first` up to `last`.

        Args:
            rows: the training rows.
            order: indices of the epoch's rows in their order.
            first: the first step; a scalar like all that follow.
            last: the step to stop before.
            batch_size: number of rows in a step.
            stop_on_nonfinite: whether to stop after a step with a mean loss that is not finite.

        Returns:
            The first step that was not taken; whether the mean loss is finite or `stop_on_nonfinite` is false; and the
            metrics over the epoch so far, if all are means, else none. Metrics are float32: (metrics,) or (0,).

        """
        step, finite = self._train_epoch(rows, order, first, last, batch_size, stop_on_nonfinite)
        return step, finite, self._stack_metrics()

    def train_epochs(
        self,
        rows: RowTensors,
        validation: RowTensors,
        orders: Any,
        batch_size: Any,
        stop_on_nonfinite: Any,
        *,
        fixed_batch_size: int,
    ) -> tuple[Any, Any, Any]:
        """Train whole epochs, each followed by its validation, if there is any; all metrics must be means.

        `fixed_batch_size` is that of the validation.

        Returns:
            The results of `train_steps` for the last epoch, but with the metrics of each epoch, followed by those of
            its validation; float32 of shape (epochs, metrics).

        """
        true = _tf.ones((), "bool")
        epochs, steps = _tf.shape(orders)[0], _count_steps(_tf.shape(orders)[1], batch_size)
        metric_count = len(self.metric_names) * (2 if validation else 1)
        epoch_metrics = _tf.TensorArray("float32", size=epochs, element_shape=(metric_count,))

        def run_epoch(epoch: Any, _: Any, __: Any, epoch_metrics: Any) -> tuple[Any, Any, Any, Any]:
            self._network.reset_metrics()
            step, finite = self._train_epoch(rows, orders[epoch], 0, steps, batch_size, stop_on_nonfinite)
            metrics = self._stack_metrics()
            if validation:
                self.store_weights()
                last = _count_steps(_tf.shape(validation[0])[0], batch_size)
                self._network.reset_metrics()
                validation_metrics = self.evaluate_steps(
                    validation, 0, last, batch_size, fixed_batch_size=fixed_batch_size
                )
                metrics = _tf.concat([metrics, validation_metrics], 0)
            return epoch + 1, step, finite, epoch_metrics.write(epoch, metrics)

        def should_continue(epoch: Any, _: Any, finite: Any, __: Any) -> Any:
            return (epoch < epochs) & finite

        start = (0, 0, true, epoch_metrics)
        done, step, finite, epoch_metrics = _tf.while_loop(should_continue, run_epoch, start, parallel_iterations=1)
        return step, finite, epoch_metrics.stack()[:done]

    def evaluate_steps(
        self, rows: RowTensors, first: Any, last: Any, batch_size: Any, *, fixed_batch_size: int
    ) -> Any:
        """Evaluate the steps from `first` up to `last`, and return the metrics as `train_steps` does."""
        test_step = self._get_test_step(fixed_batch_size)

        def run_step(step: Any) -> tuple[Any]:
            test_step(_gather_batch(rows, step, batch_size))
            return (step + 1,)

        def should_continue(step: Any) -> Any:
            return step < last

        _tf.while_loop(should_continue, run_step, (first,), parallel_iterations=1)
        return self._stack_metrics()

    def evaluate_with_outputs(
        self, rows: RowTensors, first: Any, last: Any, batch_size: Any, return_outputs: Any, *, fixed_batch_size: int
    ) -> tuple[Any, Any]:
        """Evaluate steps, and return the metrics and, if `return_outputs`, the network's outputs."""
        test_step = self._get_test_step(fixed_batch_size)
        test_step.get_concrete_function()  # traced now, since that sets `_loss_uses_logits`
        if self._loss_uses_logits:
            metrics = self.evaluate_steps(rows, first, last, batch_size, fixed_batch_size=fixed_batch_size)
            return metrics, self._predict_steps(rows, first, last, batch_size, return_outputs, fixed_batch_size)
        all_outputs = self._build_output_array(last - first)

        def run_step(step: Any, all_outputs: Any) -> tuple[Any, Any]:
            outputs = test_step(_gather_batch(rows, step, batch_size))
            row_count = _tf.shape(outputs)[0] * _tf.cast(return_outputs, "int32")
            return step + 1, all_outputs.write(step - first, outputs[:row_count])

        def should_continue(step: Any, _: Any) -> Any:
            return step < last

        _, all_outputs = _tf.while_loop(should_continue, run_step, (first, all_outputs), parallel_iterations=1)
        return self._stack_metrics(), all_outputs.concat()

    def _predict_steps(
        self, rows: RowTensors, first: Any, last: Any, batch_size: Any, return_outputs: Any, batch: int
    ) -> Any:
        """Compute the outputs once more without the loss, with which TensorFlow does not fuse the sigmoid."""
        count = (last - first) * _tf.cast(return_outputs, "int32")
        all_outputs = self._build_output_array(count)

        def run_step(step: Any, all_outputs: Any) -> tuple[Any, Any]:
            (x,) = _set_batch_size(_gather_batch(rows[:1], step, batch_size), batch)
            return step + 1, all_outputs.write(step - first, self._network(x, training=False))

        def should_continue(step: Any, _: Any) -> Any:
            return step < first + count

        _, all_outputs = _tf.while_loop(should_continue, run_step, (first, all_outputs), parallel_iterations=1)
        return all_outputs.concat()

    def _build_output_array(self, steps: Any) -> Any:
        outputs = self._network.outputs[0]
        return _tf.TensorArray(outputs.dtype, steps, element_shape=outputs.shape, infer_shape=False)

    def _train_epoch(
        self, rows: RowTensors, order: Any, first: Any, last: Any, batch_size: Any, stop: Any
    ) -> tuple[Any, Any]:
        def build_step_inputs(step: Any, seeds: Seeds) -> tuple[RowTensors, Masks]:
            indices = order[step * batch_size : (step + 1) * batch_size]
            batch = tuple(_tf.gather(tensor, indices) for tensor in rows)
            return batch, self._dropouts.draw_masks(seeds, _tf.size(indices))

        def run_step(step: Any, _: Any, step_inputs: tuple[RowTensors, Masks], seeds: Seeds) -> Any:
            logs = self._train_step(*step_inputs)
            finite = _tf.math.is_finite(logs["loss"]) | ~stop
            return step + 1, finite, build_step_inputs(step + 1, seeds), self._dropouts.advance_seeds(seeds)

        def should_continue(step: Any, finite: Any, *_: Any) -> Any:
            return (step < last) & finite

        seeds = self._dropouts.read_seeds()
        start = (first, _tf.ones((), "bool"), build_step_inputs(first, seeds), self._dropouts.advance_seeds(seeds))
        step, finite, *_ = _tf.while_loop(should_continue, run_step, start, parallel_iterations=1)
        return step, finite

    def _run_train_step(self, rows: RowTensors, masks: Masks) -> Any:
        with self._dropouts.use_masks(_set_batch_size(masks, self._batch)):
            return self._network.train_step(_set_batch_size(rows, self._batch))

    def _get_test_step(self, batch: int) -> Any:
        if batch not in self._test_steps:
            self._test_steps[batch] = _compile_step(partial(self._run_test_step, batch), self._evaluation_signature)
        return self._test_steps[batch]

    def _run_test_step(self, batch: int, rows: RowTensors) -> Any:
        """Run Keras's own test step, and return the outputs that it computes."""
        outputs: list[Any] = []
        compute_metrics = self._network.compute_metrics

        def record_outputs(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            outputs.append(y_pred)
            return compute_metrics(x, y, y_pred, sample_weight)

        self._network.compute_metrics = record_outputs
        try:
            self._network.test_step(_set_batch_size(rows, batch))
        finally:
            del self._network.compute_metrics
        self._loss_uses_logits = outputs[0].op.type == "Sigmoid"
        return outputs[0]

    def _stack_metrics(self) -> Any:
        return (
            _tf.stack(list(self._network.get_metrics_result().values()))
            if self.has_only_mean_metrics
            else _tf.zeros(0)
        )


def _compile_step(step: Any, *signature: Any) -> Any:
    return _tf.function(step, autograph=False, input_signature=signature)


def _set_batch_size(rows: RowTensors, batch: int) -> RowTensors:
    """Return the tensors with a static number of rows, unless that is 0.

    It is set within the step, since after the last step the loop prepares an empty batch.
    """
    return tuple(_tf.ensure_shape(tensor, (batch, *tensor.shape[1:])) for tensor in rows) if batch else rows


def _gather_batch(rows: RowTensors, step: Any, batch_size: Any) -> RowTensors:
    """Gather the rows of a step as Keras does: a slice may be unaligned, and its sums then have other bits."""
    indices = _tf.range(step * batch_size, _tf.minimum((step + 1) * batch_size, _tf.shape(rows[0])[0]))
    return tuple(_tf.gather(tensor, indices) for tensor in rows)


def _count_steps(rows: Any, batch_size: Any) -> Any:
    return -(-rows // batch_size)
