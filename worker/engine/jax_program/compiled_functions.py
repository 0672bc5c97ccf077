"""Functions that JAX compiles for the shapes of their arguments."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import jax

from worker.keras_build.hyperparameters import Hyperparameters
from worker.keras_build.number_vector import NumberVector

_jax: Any = jax  # untyped


class CompiledFunction:
    """A function that is compiled once for each shape of its arguments and each batch size.

    Args:
        function: takes arrays and the keyword `batch_size`. Its first argument is the state, whose memory it takes
            over if `donates_state`.
        hyperparameters: the numbers that it reads.
        donates_state: whether the memory of the first argument is used for the results.

    """

    def __init__(
        self, function: Callable[..., Any], hyperparameters: Hyperparameters, *, donates_state: bool = False
    ) -> None:
        self._function = function
        self._hyperparameters = hyperparameters
        self._donated = (1,) if donates_state else ()
        self._compiled: dict[Hashable, Any] = {}

    def __call__(self, state: Any, *arguments: Any, batch_size: int) -> Any:
        """Call the function; its result has the nesting of that of the function."""
        numbers = self._get_numbers()
        key = (batch_size, *((array.shape, array.dtype) for array in _jax.tree.leaves(arguments)))
        if key not in self._compiled:
            self._compiled[key] = self._compile(batch_size, state, *arguments)
        return self._compiled[key](numbers.values, state, *arguments)

    def _compile(self, batch_size: int, *arguments: Any) -> Any:
        traced = _jax.jit(partial(self._run_with_numbers, batch_size), donate_argnums=self._donated)
        return traced.lower(self._get_numbers().values, *arguments).compile()

    def _run_with_numbers(self, batch_size: int, numbers: Any, *arguments: Any) -> Any:
        with self._hyperparameters.use_variables(numbers):
            return self._function(*arguments, batch_size=batch_size)

    def _get_numbers(self) -> NumberVector:
        numbers = self._hyperparameters.inputs
        assert isinstance(numbers, NumberVector)  # noqa: S101  # for the type checker; on JAX there is no other class
        return numbers
