"""Loops over Keras's own steps, as pure functions for JAX to trace.

The numbers of steps and epochs are arguments, so that one compiled function serves all of them. The rows and their
order are arguments, too: as constants they would make the compilation slow, and no other job could use its result.
"""

from typing import Any

import keras
from jax import lax, numpy

# Untyped; arrays are Any from here on.
_lax: Any = lax
_numpy: Any = numpy

Arrays = tuple[Any, ...]
Weights = tuple[list[Any], list[Any], list[Any]]
"""The values of trainable variables, of other variables such as seeds, and of the optimizer's variables."""


class StepLoops:
    """Loops over steps of a network.

    Args:
        network: a keras.Sequential, compiled, all of whose variables exist.
        has_only_mean_metrics: whether the loops return the metrics' results.

    """

    def __init__(self, network: Any, *, has_only_mean_metrics: bool) -> None:
        self._network = network
        self._has_only_mean_metrics = has_only_mean_metrics

    def train_steps(
        self, weights: Weights, metrics: list[Any], rows: Arrays, order: Any, steps: Any, *, batch_size: int
    ) -> Arrays:
        """Train steps of `batch_size` rows each.

        Args:
            weights: the state before the first step.
            metrics: the values of the metrics' variables.
            rows: the training rows.
            order: indices of rows.
            steps: the first step; the step to stop before; and whether to stop after a step with a mean loss that is
                not finite.
            batch_size: number of rows in a step.

        Returns:
            The weights; the metrics' variables; the first step that was not taken; whether the mean loss is finite or
            the training goes on in any case; and the results of the metrics, float32 of shape (metrics,), if all are
            means, else none.

        """
        first, last, stop = steps

        def run_step(carry: Arrays) -> Arrays:
            step, _, weights, metrics = carry
            indices = _lax.dynamic_slice_in_dim(order, step * batch_size, batch_size)
            return step + 1, *self.train_batch(weights, metrics, _take_rows(rows, indices), stop)

        def should_continue(carry: Arrays) -> Any:
            return (carry[0] < last) & carry[1]

        start = (first, _numpy.ones((), bool), weights, metrics)
        step, is_finite, weights, metrics = _lax.while_loop(should_continue, run_step, start)
        return weights, metrics, step, is_finite, self._stack_results(metrics)

    def train_epochs(
        self, weights: Weights, initial_metrics: list[Any], rows: Arrays, orders: Any, limits: Any, validation: Arrays,
        *, batch_size: int,
    ) -> Arrays:  # fmt: skip
        """Train whole epochs, each followed by its validation, if there is any; all metrics must be means.

        Args:
            weights: the state before the first epoch.
            initial_metrics: the values of the metrics' variables after a reset.
            rows: the training rows.
            orders: indices of the rows of each epoch; their shape is (maximum number of epochs, rows).
            limits: the number of epochs; and whether to stop after a step with a mean loss that is not finite.
            validation: the validation rows, or none.
            batch_size: number of rows in a step.

        Returns:
            The weights; the number of epochs that were trained; the first step of the last epoch that was not taken;
            whether its mean loss is finite; and the metrics of each epoch followed by those of its validation, float32
            of shape (maximum number of epochs, metrics).

        """
        epochs, stop = limits

        def run_epoch(carry: Arrays) -> Arrays:
            epoch, _, _, weights, history = carry
            weights, metrics, step, is_finite = self._train_epoch(
                weights, initial_metrics, rows, orders[epoch], stop, batch_size
            )
            results = [self._stack_results(metrics)]
            if validation:
                weights, metrics = self._validate_epoch(weights, initial_metrics, validation, batch_size)
                results.append(self._stack_results(metrics))
            return epoch + 1, step, is_finite, weights, history.at[epoch].set(_numpy.concatenate(results))

        def should_continue(carry: Arrays) -> Any:
            return (carry[0] < epochs) & carry[2]

        width = len(self._stack_results(initial_metrics)) * (2 if validation else 1)
        history = _numpy.zeros((len(orders), width))
        start = (_numpy.zeros((), int), _numpy.zeros((), int), _numpy.ones((), bool), weights, history)
        epoch, step, is_finite, weights, history = _lax.while_loop(should_continue, run_epoch, start)
        return weights, epoch, step, is_finite, history

    def evaluate_steps(
        self, weights: tuple[list[Any], list[Any]], metrics: list[Any], rows: Arrays, steps: Any, *, batch_size: int
    ) -> Arrays:
        """Evaluate steps of `batch_size` rows each.

        Args:
            weights: without the optimizer's variables.
            metrics: the values of the metrics' variables.
            rows: the rows.
            steps: the first row; and the number of steps.
            batch_size: number of rows in a step.

        Returns:
            The values of the variables that are not trainable; the metrics' variables; and their results.

        """
        first_row, count = steps
        trainable, other = weights

        def run_step(step: Any, carry: Arrays) -> Arrays:
            other, metrics = carry
            batch = _slice_rows(rows, first_row + step * batch_size, batch_size)
            return self.test_batch(trainable, other, metrics, batch)

        other, metrics = _lax.fori_loop(0, count, run_step, (other, metrics))
        return other, metrics, self._stack_results(metrics)

    def predict_batch(self, weights: tuple[list[Any], list[Any]], x: Any, first_row: Any, *, batch_size: int) -> Any:
        """Return the outputs for `batch_size` rows of `x`, as `predict_on_batch` does."""
        outputs, _ = self._network.predict_step(weights, _slice_rows((x,), first_row, batch_size))
        return outputs

    def _train_epoch(
        self, weights: Weights, metrics: list[Any], rows: Arrays, order: Any, stop: Any, batch_size: int
    ) -> Arrays:
        steps, rest = divmod(len(order), batch_size)
        step: Any = _numpy.zeros((), int)
        is_finite: Any = _numpy.ones((), bool)
        if steps:  # a loop over no step is traced, too, and the rows are too few for it
            weights, metrics, step, is_finite, _ = self.train_steps(
                weights, metrics, rows, order, (0, steps, stop), batch_size=batch_size
            )
        if not rest:
            return weights, metrics, step, is_finite

        def train_rest() -> Arrays:
            batch = _take_rows(rows, order[steps * batch_size :])
            is_finite, *state = self.train_batch(weights, metrics, batch, stop)
            return *state, step + 1, is_finite

        return _lax.cond(is_finite, train_rest, lambda: (weights, metrics, step, is_finite))

    def _validate_epoch(
        self, weights: Weights, metrics: list[Any], rows: Arrays, batch_size: int
    ) -> tuple[Weights, list[Any]]:
        trainable, other, optimizer = weights
        steps, rest = divmod(len(rows[0]), batch_size)
        if steps:  # likewise
            other, metrics, _ = self.evaluate_steps(
                (trainable, other), metrics, rows, (0, steps), batch_size=batch_size
            )
        if rest:
            batch = _slice_rows(rows, steps * batch_size, rest)
            other, metrics = self.test_batch(trainable, other, metrics, batch)
        return (trainable, other, optimizer), metrics

    def train_batch(self, weights: Weights, metrics: list[Any], batch: Arrays, stop: Any) -> Arrays:
        """Return whether the mean loss is finite or the training goes on in any case, the weights, and the metrics."""
        logs, (*weights_after, metrics_after) = self._network.train_step((*weights, metrics), batch)
        return _numpy.isfinite(logs["loss"]) | ~stop, tuple(map(list, weights_after)), list(metrics_after)

    def test_batch(self, trainable: list[Any], other: list[Any], metrics: list[Any], batch: Arrays) -> Arrays:
        """Evaluate a batch; return the values of the variables that are not trainable, and the metrics."""
        _, (_, *state) = self._network.test_step((trainable, other, metrics), batch)
        return tuple(map(list, state))

    def _stack_results(self, metrics: list[Any]) -> Any:
        """Return the metrics' results in Keras's order."""
        if not self._has_only_mean_metrics:
            return _numpy.zeros(0)
        mapping = list(zip(self._network.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            results: dict[str, Any] = self._network.get_metrics_result()
        return _numpy.stack(list(results.values()))


def _slice_rows(rows: Arrays, first_row: Any, count: int) -> Arrays:
    return tuple(_lax.dynamic_slice_in_dim(array, first_row, count) for array in rows)


def _take_rows(rows: Arrays, indices: Any) -> Arrays:
    return tuple(_numpy.take(array, indices, axis=0, mode="clip") for array in rows)
