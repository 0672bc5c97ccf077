"""Hyperparameters as the elements of a vector, which is an argument of all functions that JAX traces."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import jax
import numpy as np

from worker.keras_build.number_inputs import Term
from worker.preparation.arrays import Array
from worker.runtime import jax_adapter

_numpy: Any = jax.numpy  # untyped
_LENGTH = 256
"""Length of the vector. It is fixed because functions are traced before it is known which numbers they read."""


class NumberVector:
    """A vector of numbers; see `NumberInputs`. `use_inputs` takes the vector of the function that is traced.

    Args:
        number_class: the class of the hyperparameters, which JAX is to take as arrays.

    """

    def __init__(self, number_class: Any) -> None:
        jax_adapter.register_scalar_class(number_class, number_class.__jax_array__)
        self._indices: dict[Term, int] = {}
        self._traced: Any = None
        self.values: Array = np.zeros(_LENGTH, np.float32)
        """The values for the current job; float32 of shape (256,). Read them after tracing, which may add some."""

    @contextmanager
    def use_inputs(self, inputs: Any) -> Generator[None]:
        """Convert hyperparameters to elements of `inputs` within the block."""
        self._traced = inputs
        try:
            yield
        finally:
            self._traced = None

    def read_number(self, term: Term, value: float, dtype: Any) -> Any:
        """Return an element of the traced vector."""
        if self._traced is None or (term not in self._indices and len(self._indices) == _LENGTH):
            return None
        if term not in self._indices:
            self._indices[term] = len(self._indices)
            self.values[self._indices[term]] = value
        element = self._traced[self._indices[term]]
        return element if dtype is None else element.astype(dtype)

    def build_constant(self, value: float, dtype: Any) -> Any:
        """Return a constant."""
        return _numpy.asarray(np.float32(value), dtype)

    def ignores_result(self, frame: FrameType | None) -> bool:
        """Return whether JAX only looks at the size of a number."""
        return jax_adapter.is_overflow_check(None if frame is None else frame.f_back)

    def assign_values(self, evaluate: Callable[[Term], float]) -> None:
        """Set the elements of a new vector: calls that still run may use the old one's memory."""
        self.values = np.zeros(_LENGTH, np.float32)
        for term, index in self._indices.items():
            self.values[index] = evaluate(term)
