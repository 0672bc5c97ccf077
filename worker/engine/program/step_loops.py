"""Loops over Keras's own steps, to be traced into graphs.

`network.train_step` and `network.test_step` are traced as Keras traces them: for a fixed number of rows if all batches
are equal, else for any number.
"""

from functools import partial
from typing import Any

import keras
import tensorflow as tf

_tf: Any = tf  # which carries no types; tensors are Any from here on

RowTensors = tuple[Any, ...]
"""`x`, `y` and optionally sample weights, as tensors with equal numbers of rows."""


class StepLoops:
    """Loops over steps of a network.

    Args:
        network: a keras.Sequential, compiled, with a built optimizer.
        rows: types and shapes of the training rows.
        evaluation_rows: types and shapes of the evaluation rows.
        fixed_batch_size: number of rows of each training step, or 0 if the steps differ.

    """

    def __init__(self, network: Any, rows: RowTensors, evaluation_rows: RowTensors, fixed_batch_size: int) -> None:
        self._network = network
        self._batch = fixed_batch_size
        # Steps are functions of their own, as in Keras.
        self._train_step = _compile_step(self._run_train_step, rows)
        self._evaluation_signature = evaluation_rows
        self._test_steps: dict[int, Any] = {}
        """By the number of rows of each step, or 0 if the steps differ."""
        self.metric_names: list[str] = []

    def trace_step(self) -> None:
        """Trace a step, and read the metrics' names.

        Keras creates the metrics' variables in the first step that is traced, and TensorFlow then traces it again. So
        a test step comes first, which is traced faster.
        """
        self._get_test_step(0).get_concrete_function()
        self._train_step.get_concrete_function()
        self.metric_names = list(self._network.get_metrics_result())

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
        """Evaluate steps, and return the metrics and, if `return_outputs`, the network's outputs as `predict` does.

        The outputs are computed again, without the loss. TensorFlow does not fuse a product and a sigmoid if the loss
        looks behind the sigmoid, and the fused operation has other bits on processors with AVX-512.
        """
        metrics = self.evaluate_steps(rows, first, last, batch_size, fixed_batch_size=fixed_batch_size)
        output_count = (last - first) * _tf.cast(return_outputs, "int32")
        outputs = self._network.outputs[0]
        all_outputs = _tf.TensorArray(outputs.dtype, output_count, element_shape=outputs.shape, infer_shape=False)

        def predict_step(step: Any, all_outputs: Any) -> tuple[Any, Any]:
            (x,) = _set_batch_size(_gather_batch(rows[:1], step, batch_size), fixed_batch_size)
            return step + 1, all_outputs.write(step - first, self._network(x, training=False))

        def should_continue(step: Any, _: Any) -> Any:
            return step < first + output_count

        _, all_outputs = _tf.while_loop(should_continue, predict_step, (first, all_outputs), parallel_iterations=1)
        return metrics, all_outputs.concat()

    def _train_epoch(
        self, rows: RowTensors, order: Any, first: Any, last: Any, batch_size: Any, stop: Any
    ) -> tuple[Any, Any]:
        def run_step(step: Any, _: Any) -> tuple[Any, Any]:
            indices = order[step * batch_size : (step + 1) * batch_size]
            logs = self._train_step(tuple(_tf.gather(tensor, indices) for tensor in rows))
            return step + 1, _tf.math.is_finite(logs["loss"]) | ~stop

        def should_continue(step: Any, finite: Any) -> Any:
            return (step < last) & finite

        start = (first, _tf.ones((), "bool"))
        return _tf.while_loop(should_continue, run_step, start, parallel_iterations=1)

    def _run_train_step(self, rows: RowTensors) -> Any:
        return self._network.train_step(_set_batch_size(rows, self._batch))

    def _get_test_step(self, batch: int) -> Any:
        if batch not in self._test_steps:
            self._test_steps[batch] = _compile_step(partial(self._run_test_step, batch), self._evaluation_signature)
        return self._test_steps[batch]

    def _run_test_step(self, batch: int, rows: RowTensors) -> Any:
        return self._network.test_step(_set_batch_size(rows, batch))

    def _stack_metrics(self) -> Any:
        return (
            _tf.stack(list(self._network.get_metrics_result().values()))
            if self.has_only_mean_metrics
            else _tf.zeros(0)
        )


def _compile_step(step: Any, *signature: Any) -> Any:
    return _tf.function(step, autograph=False, input_signature=signature)


def _set_batch_size(rows: RowTensors, batch: int) -> RowTensors:
    """Return the tensors with a static number of rows, unless that is 0."""
    return tuple(_tf.ensure_shape(tensor, (batch, *tensor.shape[1:])) for tensor in rows) if batch else rows


def _gather_batch(rows: RowTensors, step: Any, batch_size: Any) -> RowTensors:
    """Gather the rows of a step as Keras does: a slice may be unaligned, and its sums then have other bits."""
    indices = _tf.range(step * batch_size, _tf.minimum((step + 1) * batch_size, _tf.shape(rows[0])[0]))
    return tuple(_tf.gather(tensor, indices) for tensor in rows)


def _count_steps(rows: Any, batch_size: Any) -> Any:
    return -(-rows // batch_size)
