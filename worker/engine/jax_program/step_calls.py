"""One call for each of Keras's own steps, as in stock `fit`.

XLA computes a convolution in a loop on a CPU more slowly than outside of one, and rounds it differently.
"""

from typing import Any

import jax
import keras
import numpy as np

from stackyard.spec.layers import CONVOLUTIONS
from worker.engine.jax_program.compiled_function import CompiledFunction
from worker.engine.jax_program.step_loops import Arrays, StepLoops, Weights

_jax: Any = jax  # untyped

_CONVOLUTIONS: tuple[Any, ...] = tuple(getattr(keras.layers, kind.__name__) for kind in CONVOLUTIONS)


def needs_step_calls(network: Any) -> bool:
    """Return whether a network has a convolution, and this process computes on a CPU."""
    return _jax.default_backend() == "cpu" and any(_is_convolution(layer) for layer in network.layers)


class StepCalls:
    """Methods like those of `StepLoops`, each of which makes a call for each step.

    Args:
        loops: of the network; only its single steps are used.

    """

    def __init__(self, loops: StepLoops) -> None:
        self._train_batch = CompiledFunction(loops.train_batch, donates_state=True)
        self._test_batch = CompiledFunction(loops.test_batch)

    def train_steps(
        self, weights: Weights, metrics: list[Any], rows: Arrays, order: Any, steps: Any, *, batch_size: int
    ) -> Arrays:
        """Train steps of `batch_size` rows each; see `StepLoops`."""
        step, last, stop = steps
        is_finite, arrays = np.bool_(True), [np.asarray(array) for array in rows]  # noqa: FBT003  # NumPy's constructor
        while step < last and is_finite:
            indices = order[step * batch_size : (step + 1) * batch_size]
            batch = tuple(array[indices] for array in arrays)
            is_finite, weights, metrics = self._train_batch(weights, metrics, batch, stop)
            step += 1
        return weights, metrics, step, is_finite, ()

    def evaluate_steps(
        self, weights: tuple[list[Any], list[Any]], metrics: list[Any], rows: Arrays, steps: Any, *, batch_size: int
    ) -> Arrays:
        """Evaluate steps of `batch_size` rows each; see `StepLoops`."""
        first_row, count = steps
        trainable, other = weights
        arrays = [np.asarray(array) for array in rows]
        for start in range(first_row, first_row + count * batch_size, batch_size):
            batch = tuple(array[start : start + batch_size] for array in arrays)
            other, metrics = self._test_batch(trainable, other, metrics, batch)
        return other, metrics, ()


def _is_convolution(layer: Any) -> bool:
    return isinstance(layer, _CONVOLUTIONS) or (hasattr(layer, "layer") and _is_convolution(layer.layer))
