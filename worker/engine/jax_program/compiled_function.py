"""Functions that JAX compiles for the shapes of their arguments."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import jax

_jax: Any = jax  # untyped


class CompiledFunction:
    """A function that is compiled once for each shape of its arguments.

    It holds what was compiled, unlike `jax.jit`. So JAX's own caches, which never shrink, can be cleared.

    Args:
        function: takes arrays. The shapes of its first argument, the state, never differ.
        donates_state: whether the memory of the first argument is used for the results.

    """

    def __init__(self, function: Callable[..., Any], *, donates_state: bool = False) -> None:
        self._function = function
        self._donated = (0,) if donates_state else ()
        self._compiled: dict[Hashable, Any] = {}

    def __call__(self, *arguments: Any, **constants: int) -> Any:
        """Call the function; it is compiled for the constants."""
        shapes = [(array.shape, array.dtype) for array in _jax.tree.leaves(arguments[1:])]
        key = (*constants.items(), *shapes)
        if key not in self._compiled:
            function = _jax.jit(partial(self._function, **constants), donate_argnums=self._donated)
            self._compiled[key] = function.lower(*arguments).compile()
        return self._compiled[key](*arguments)
