"""A network on JAX, with the compiled functions that train and evaluate it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import jax
import keras
import numpy as np

from worker.engine import training_state
from worker.engine.backend.program_interface import EpochsResult, EvaluationResult, Metrics, TrainResult
from worker.engine.jax_program.compiled_function import CompiledFunction
from worker.engine.jax_program.jax_rows import JaxRows
from worker.engine.jax_program.step_calls import StepCalls, needs_step_calls
from worker.engine.jax_program.step_loops import StepLoops, Weights
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation.arrays import Array
from worker.runtime import private_names

_jax: Any = jax  # untyped

_MAX_EPOCHS = 512
_MAX_ORDER_ENTRIES = 1_000_000
"""Limits on the epochs of one call, and on the row indices in their orders."""


class JaxProgram:
    """A network, and the compiled functions that train and evaluate it; see `Program`.

    Between calls, the network's variables have its state. A call takes over their memory.

    Args:
        network: a keras.Sequential, compiled, with a built optimizer.
        hyperparameters: none; all numbers are constants.
        x: example inputs, with any number of rows.
        y: example targets, with any number of rows.
        has_weights: whether the training rows have weights.
        fixed_batch_size: ignored, because each number of rows in a step is compiled by itself.

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
        del fixed_batch_size
        self.network = network
        self.hyperparameters = hyperparameters
        weight_rows = (np.ones(1, np.float32),) if has_weights else ()
        private_names.create_metrics(network, (x[:1], y[:1], *weight_rows))
        has_step_calls = needs_step_calls(network)
        self._returns_metrics = self.can_train_epochs = _has_only_mean_metrics(network) and not has_step_calls
        self._metric_names = list(network.get_metrics_result())
        self._weights = (network.trainable_variables, network.non_trainable_variables, network.optimizer.variables)
        self._metrics = network.metrics_variables
        network.reset_metrics()
        self._initial_metrics = [_jax.numpy.copy(variable.value) for variable in self._metrics]
        loops = StepLoops(network, has_only_mean_metrics=self._returns_metrics)
        if has_step_calls:
            calls = StepCalls(loops)
            self._train_steps, self._evaluate_steps = calls.train_steps, calls.evaluate_steps
        else:
            self._train_steps = CompiledFunction(loops.train_steps, donates_state=True)
            self._evaluate_steps = CompiledFunction(loops.evaluate_steps)
        self._train_epochs = CompiledFunction(loops.train_epochs, donates_state=True)
        self._predict_batch = CompiledFunction(loops.predict_batch)

    @property
    def nbytes(self) -> int:
        """Size of the variables in bytes."""
        return training_state.measure_state(self.network)

    @contextmanager
    def prepare_training(
        self, *, several_epochs: bool, validation_batch_size: int | None, evaluation_batch_size: int | None
    ) -> Generator[None]:
        """Do nothing: functions are compiled when they are first called, for the shapes of their rows."""
        del several_epochs, validation_batch_size, evaluation_batch_size
        yield

    def prepare_evaluation(self, fixed_batch_size: int) -> None:
        """Do nothing, likewise."""

    def wait_until_prepared(self) -> None:
        """Do nothing: nothing is prepared beside other work."""

    def limit_epochs(self, rows: int) -> int:
        """Return the maximum number of epochs of so many rows that one call may train."""
        return max(1, min(_MAX_EPOCHS, _MAX_ORDER_ENTRIES // rows))

    def train_steps(
        self,
        rows: JaxRows,
        order: Array,
        steps: range,
        batch_size: int,
        *,
        reset_metrics: bool,
        stop_on_nonfinite: bool,
    ) -> TrainResult:
        """Train steps of an epoch: those with all rows in one call, and the last one, if it has fewer, in another."""
        if reset_metrics:
            self._set_metrics(self._initial_metrics)
        full = len(order) // batch_size
        result = TrainResult(steps.start, is_finite=True, metrics=None)
        if steps.start < full:
            padded = np.zeros(len(rows.arrays[0]), np.int32)
            padded[: len(order)] = order
            limits = (steps.start, min(steps.stop, full), stop_on_nonfinite)
            result = self._call_train_steps(rows, padded, limits, batch_size)
        if steps.stop > full and result.is_finite:
            rest = order[full * batch_size :]
            result = self._call_train_steps(rows, rest, (0, 1, stop_on_nonfinite), len(rest))
            result = result._replace(step=full + 1)
        return result

    def train_epochs(
        self,
        rows: JaxRows,
        validation: JaxRows | None,
        orders: Array,
        batch_size: int,
        *,
        fixed_batch_size: int,
        stop_on_nonfinite: bool,
    ) -> EpochsResult:
        """Train for whole epochs, at most `limit_epochs`."""
        del fixed_batch_size
        padded = np.zeros((self.limit_epochs(rows.count), rows.count), np.int32)
        padded[: len(orders)] = orders
        weights, epochs, step, is_finite, history = self._train_epochs(
            self._read_weights(),
            self._initial_metrics,
            rows.arrays,
            padded,
            _build_scalars(len(orders), stop_on_nonfinite),
            () if validation is None else validation.arrays,
            batch_size=batch_size,
        )
        self._set_weights(weights)
        count, names = len(self._metric_names), self._metric_names
        epoch_metrics: list[tuple[Metrics, Metrics]] = [
            (dict(zip(names, row[:count], strict=True)), dict(zip(names, row[count:], strict=False)))
            for row in np.asarray(history)[: int(epochs)].tolist()
        ]
        return EpochsResult(int(step), bool(is_finite), epoch_metrics)

    def evaluate_steps(
        self,
        rows: JaxRows,
        steps: range,
        batch_size: int,
        *,
        fixed_batch_size: int,
        reset_metrics: bool,
        return_outputs: bool = False,
    ) -> EvaluationResult:
        """Evaluate steps, and return the network's outputs if `return_outputs`."""
        del fixed_batch_size
        if reset_metrics:
            self._set_metrics(self._initial_metrics)
        full, metrics = rows.count // batch_size, None
        if steps.start < full:
            count = min(steps.stop, full) - steps.start
            metrics = self._call_evaluate_steps(rows, steps.start * batch_size, count, batch_size)
        if steps.stop > full:
            metrics = self._call_evaluate_steps(rows, full * batch_size, 1, rows.count % batch_size)
        outputs = self._predict_steps(rows, steps, batch_size) if return_outputs else None
        return EvaluationResult(metrics, outputs)

    def compute_metrics(self) -> dict[str, float]:
        """Return the metrics over the epoch or evaluation so far, computed outside of any call as Keras does."""
        results: dict[str, Any] = self.network.get_metrics_result()
        return {name: float(value) for name, value in results.items()}

    def _call_train_steps(
        self, rows: JaxRows, order: Array, limits: tuple[int, int, bool], batch_size: int
    ) -> TrainResult:
        weights, metrics, step, is_finite, results = self._train_steps(
            self._read_weights(),
            [variable.value for variable in self._metrics],
            rows.arrays,
            order,
            _build_scalars(*limits),
            batch_size=batch_size,
        )
        self._set_weights(weights)
        self._set_metrics(metrics)
        return TrainResult(int(step), bool(is_finite), self._name_metrics(results))

    def _call_evaluate_steps(self, rows: JaxRows, first_row: int, count: int, batch_size: int) -> Metrics | None:
        other, metrics, results = self._evaluate_steps(
            self._read_weights()[:2],
            [variable.value for variable in self._metrics],
            rows.arrays,
            _build_scalars(first_row, count),
            batch_size=batch_size,
        )
        _set_variables(self._weights[1], other)
        self._set_metrics(metrics)
        return self._name_metrics(results)

    def _predict_steps(self, rows: JaxRows, steps: range, batch_size: int) -> Array:
        weights, outputs = self._read_weights()[:2], list[Any]()
        for step in steps:
            first_row = step * batch_size
            size = min(batch_size, rows.count - first_row)
            outputs.append(self._predict_batch(weights, rows.arrays[0], *_build_scalars(first_row), batch_size=size))
        return np.concatenate(outputs)

    def _read_weights(self) -> Weights:
        trainable, other, optimizer = ([variable.value for variable in group] for group in self._weights)
        return trainable, other, optimizer

    def _set_weights(self, weights: Weights) -> None:
        for variables, values in zip(self._weights, weights, strict=True):
            _set_variables(variables, values)

    def _set_metrics(self, metrics: list[Any]) -> None:
        _set_variables(self._metrics, metrics)

    def _name_metrics(self, results: Any) -> Metrics | None:
        if not self._returns_metrics:
            return None
        return dict(zip(self._metric_names, np.asarray(results).tolist(), strict=True))


def _set_variables(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _build_scalars(*numbers: int | bool) -> tuple[Any, ...]:
    return tuple(np.bool_(number) if isinstance(number, bool) else np.int32(number) for number in numbers)


def _has_only_mean_metrics(network: Any) -> bool:
    metrics = [part for metric in network.metrics for part in getattr(metric, "metrics", [metric])]
    return all(isinstance(metric, keras.metrics.Mean) for metric in metrics)
