"""A network with the compiled functions that train and evaluate it, many of Keras's own steps in each call.

Stock `fit` makes one call for each step. Between steps it gets a batch from an iterator, and runs callbacks. Here the
rows are in tensors, and one call runs a loop over the steps.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import tensorflow as tf

from worker.engine import training_state
from worker.engine.backend.program_interface import EpochsResult, EvaluationResult, Metrics, TrainResult
from worker.engine.program.prepared_function import PreparedFunction, prepare_functions
from worker.engine.program.silu import replace_silu
from worker.engine.program.step_loops import RowTensors, StepLoops
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types; tensors are Any from here on

_INTEGER, _FLAG = _tf.TensorSpec((), "int32"), _tf.TensorSpec((), "bool")
_ORDER, _ORDERS = _tf.TensorSpec((None,), "int32"), _tf.TensorSpec((None, None), "int32")
_MAX_ORDER_ENTRIES = 4_000_000
"""Maximum number of row indices in the orders of one call."""


class CompiledProgram:
    """A network, and the compiled functions that train and evaluate it.

    Args:
        network: a keras.Sequential, compiled, with a built optimizer and these hyperparameters.
        hyperparameters: may get other values between calls.
        x: example inputs, with any number of rows.
        y: example targets, with any number of rows.
        has_weights: whether the training rows have weights.
        fixed_batch_size: number of rows of each training step, or 0 if the steps differ.

    """

    def __init__(
        self,
        network: Any,
        hyperparameters: Hyperparameters,
        x: Array,
        y: Array,
        *,
        has_weights: bool,
        fixed_batch_size: int = 0,
    ) -> None:
        self.network = network
        self.hyperparameters = hyperparameters
        evaluation_rows = (_build_row_spec(x), _build_row_spec(y))
        weight_rows = (_tf.TensorSpec((None,), "float32"),) if has_weights else ()
        self._evaluation_rows, self._training_rows = evaluation_rows, (*evaluation_rows, *weight_rows)
        replace_silu(network)
        loops = StepLoops(network, self._training_rows, evaluation_rows, fixed_batch_size)
        with hyperparameters.use_variables():
            loops.trace_step()
        self._loops = loops
        self._metric_names = loops.metric_names
        self.has_only_mean_metrics = self.can_train_epochs = loops.has_only_mean_metrics
        self._metric_variables, self._zero = network.metrics_variables, _tf.zeros(())
        self._train_function = self._build_function(
            loops.train_steps, self._training_rows, _ORDER, _INTEGER, _INTEGER, _INTEGER, _FLAG
        )
        self._epoch_functions: dict[int | None, PreparedFunction] = {}
        self._evaluation_functions: dict[int, PreparedFunction] = {}

    def _get_epoch_function(self, validation: int | None) -> PreparedFunction:
        """Return the function that trains epochs, by the number of rows of validation steps; None is without one."""
        if validation not in self._epoch_functions:
            validation_rows = () if validation is None else self._evaluation_rows
            function = partial(self._loops.train_epochs, fixed_batch_size=validation or 0)
            self._epoch_functions[validation] = self._build_function(
                function, self._training_rows, validation_rows, _ORDERS, _INTEGER, _FLAG
            )
        return self._epoch_functions[validation]

    def _get_evaluation_function(self, batch: int) -> PreparedFunction:
        if batch not in self._evaluation_functions:
            function = partial(self._loops.evaluate_with_outputs, fixed_batch_size=batch)
            self._evaluation_functions[batch] = self._build_function(
                function, self._evaluation_rows, _INTEGER, _INTEGER, _INTEGER, _FLAG
            )
        return self._evaluation_functions[batch]

    def _build_function(self, function: Any, *signature: Any) -> PreparedFunction:
        return PreparedFunction(
            function, signature, lambda: _build_empty_arguments(signature), self.hyperparameters.use_variables
        )

    @contextmanager
    def prepare_training(
        self, *, several_epochs: bool, validation_batch_size: int | None, evaluation_batch_size: int | None
    ) -> Generator[None]:
        """Have TensorFlow prepare the first functions of a training while the block runs; at its end they are ready.

        Args:
            several_epochs: whether calls take several epochs.
            validation_batch_size: number of rows of each validation step; 0 if they differ, None without validation.
            evaluation_batch_size: likewise for the evaluation after the training.

        """
        if several_epochs:
            functions = [self._get_epoch_function(validation_batch_size)]
        else:
            functions = [self._train_function]
            if validation_batch_size is not None:
                functions.append(self._get_evaluation_function(validation_batch_size))
        prepare_functions(functions, trace=True)
        yield
        if evaluation_batch_size is not None and not functions[0].is_ready:  # this thread would only wait
            self._get_evaluation_function(evaluation_batch_size).trace()
        functions[0].wait_until_ready()

    def prepare_evaluation(self, fixed_batch_size: int) -> None:
        """Start to prepare the function that evaluates steps of `fixed_batch_size` rows, or of any if it is 0."""
        prepare_functions([self._get_evaluation_function(fixed_batch_size)], trace=False)

    def wait_until_prepared(self) -> None:
        """Wait until no function is being prepared."""
        for function in (self._train_function, *self._evaluation_functions.values(), *self._epoch_functions.values()):
            function.wait_until_ready()

    @property
    def nbytes(self) -> int:
        """Size of the variables in bytes."""
        return training_state.measure_state(self.network)

    def limit_epochs(self, rows: int) -> int:
        """Return the maximum number of epochs of so many rows that one call may train."""
        return max(1, _MAX_ORDER_ENTRIES // rows)

    def train_steps(
        self,
        rows: RowTensors,
        order: Array,
        steps: range,
        batch_size: int,
        *,
        reset_metrics: bool,
        stop_on_nonfinite: bool,
    ) -> TrainResult:
        """Train steps of an epoch.

        Args:
            rows: the training rows.
            order: indices of the epoch's rows in their order; int32 of shape (rows of the epoch,).
            steps: the steps to take.
            batch_size: number of rows in a step; the last step of an epoch may have fewer.
            reset_metrics: whether to reset the metrics first.
            stop_on_nonfinite: whether to stop after a step with a mean loss that is not finite.

        """
        if reset_metrics:
            self._reset_metrics()
        step, finite, metrics = self._train_function(
            rows, order, steps.start, steps.stop, batch_size, stop_on_nonfinite
        )
        return TrainResult(int(step), bool(finite), self._name_metrics(metrics))

    def train_epochs(
        self,
        rows: RowTensors,
        validation: RowTensors | None,
        orders: Array,
        batch_size: int,
        *,
        fixed_batch_size: int,
        stop_on_nonfinite: bool,
    ) -> EpochsResult:
        """Train for whole epochs, each followed by its validation.

        `orders` has a row for each epoch. `fixed_batch_size` is the number of rows of each validation step, 0 if the
        steps differ.
        """
        function = self._get_epoch_function(None if validation is None else fixed_batch_size)
        step, finite, metrics = function(rows, validation or (), orders, batch_size, stop_on_nonfinite)
        count = len(self._metric_names)
        epoch_metrics: list[tuple[Metrics, Metrics]] = [
            (
                dict(zip(self._metric_names, row[:count], strict=True)),
                dict(zip(self._metric_names, row[count:], strict=False)),
            )
            for row in metrics.numpy().tolist()
        ]
        return EpochsResult(int(step), bool(finite), epoch_metrics)

    def evaluate_steps(
        self,
        rows: RowTensors,
        steps: range,
        batch_size: int,
        *,
        fixed_batch_size: int,
        reset_metrics: bool,
        return_outputs: bool = False,
    ) -> EvaluationResult:
        """Evaluate steps, and return the network's outputs if `return_outputs`; see `train_epochs` for the sizes."""
        if reset_metrics:
            self._reset_metrics()
        metrics, outputs = self._get_evaluation_function(fixed_batch_size)(
            rows, steps.start, steps.stop, batch_size, return_outputs
        )
        return EvaluationResult(self._name_metrics(metrics), outputs.numpy() if return_outputs else None)

    def _reset_metrics(self) -> None:
        """Reset the metrics. Means are set to zero directly, which is faster than Keras's own method."""
        if not self.has_only_mean_metrics:
            self.network.reset_metrics()
            return
        for variable in self._metric_variables:
            _tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=self._zero)

    def _name_metrics(self, results: Any) -> Metrics | None:
        return (
            dict(zip(self._metric_names, results.numpy().tolist(), strict=True))
            if self.has_only_mean_metrics
            else None
        )

    def compute_metrics(self) -> dict[str, float]:
        """Return the metrics over the epoch or evaluation so far, computed outside of any graph as Keras does."""
        results: dict[str, Any] = self.network.get_metrics_result()
        return {name: float(value) for name, value in results.items()}


def _build_row_spec(array: Array) -> Any:
    return _tf.TensorSpec((None, *array.shape[1:]), array.dtype)


def _build_empty_arguments(signature: Any) -> Any:
    """Return arguments with no rows, for steps from 1 up to 1, with all flags false."""

    def build_argument(spec: Any) -> Any:
        value = _tf.zeros((), "bool") if spec is _FLAG else _tf.cast(1, spec.dtype)
        return _tf.fill([0 if size is None else size for size in spec.shape], value)

    return _tf.nest.map_structure(build_argument, signature)
