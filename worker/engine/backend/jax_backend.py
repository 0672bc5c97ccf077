"""The JAX backend."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import backend

from worker.engine.jax_program.jax_rows import JaxRows, wrap_rows
from worker.preparation.arrays import Array
from worker.runtime import memory

# Untyped.
_jax: Any = jax
_numpy: Any = jax.numpy
_backend: Any = backend


class JaxBackend:
    """Operations of JAX; see `Backend`.

    A program hands the memory of the network's state over to each call. So no two variables may share a value.
    """

    def wrap_rows(self, arrays: Sequence[Array], capacity: int = 0) -> JaxRows:
        """Return the rows; a slice gets the shape of the largest one, since each shape is compiled anew."""
        return wrap_rows(arrays, capacity)

    def read_values(self, variables: Iterable[Any]) -> list[Any]:
        """Return copies of the variables' values."""
        return [_numpy.copy(variable.value) for variable in variables]

    def write_values(self, variables: Iterable[Any], values: Iterable[Any]) -> None:
        """Set the variables."""
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def read_array(self, variable: Any) -> Array:
        """Return a copy of the value of a variable."""
        return np.array(variable.value)

    def build_optimizer(self, network: Any) -> None:
        """Create the variables of a network's optimizer."""
        network.optimizer.build(network.trainable_variables)

    def draw_keras_orders(self, seed: int, rows: int) -> Callable[[int], Array]:
        """Return a function that draws the permutations of NumPy's global generator one after another."""
        return _KerasOrders(seed, rows).draw_order

    def get_context_id(self) -> int:
        """Return the identity of the device on which JAX computes."""
        return id(_backend.get_default_device())

    def free_memory(self) -> None:
        """Clear JAX's caches, which otherwise grow with every architecture; programs hold what they compiled."""
        _jax.clear_caches()
        memory.return_free_memory()


class _KerasOrders:
    """The orders of `fit(shuffle=True)`. Its first permutation is used to build the network, and not for an epoch."""

    def __init__(self, seed: int, rows: int) -> None:
        self._seed = seed
        self._rows = rows
        self._restart()

    def draw_order(self, epoch: int) -> Array:
        """Return the order of an epoch; an earlier one than the last needs all permutations anew."""
        if epoch < self._epoch:
            self._restart()
        while self._epoch < epoch:
            self._order = self._generator.permutation(self._rows).astype(np.int32)
            self._epoch += 1
        return self._order

    def _restart(self) -> None:
        self._generator = np.random.RandomState(self._seed)
        self._order = self._generator.permutation(self._rows).astype(np.int32)
        self._epoch = -1
