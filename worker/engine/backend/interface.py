"""The interface between the engine and a backend of Keras."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from worker.engine.backend.program_interface import WrappedRows
from worker.preparation.arrays import Array


class Backend(Protocol):
    """Operations on tensors and variables of one backend. Keras variables are untyped."""

    def wrap_rows(self, arrays: Sequence[Array], capacity: int = 0) -> WrappedRows:
        """Return rows for a program. The arrays must not change any more, since the result may share their memory.

        Args:
            arrays: `x`, `y` and optionally sample weights, with equal numbers of rows.
            capacity: number of rows of the largest slice, if these rows are a slice; otherwise 0.

        """
        ...

    def read_values(self, variables: Iterable[Any]) -> list[Any]:
        """Return the variables' values, which do not change when a variable is set or a program runs."""
        ...

    def write_values(self, variables: Iterable[Any], values: Iterable[Any]) -> None:
        """Set variables to values that `read_values` returned; values may be written only once."""
        ...

    def read_array(self, variable: Any) -> Array:
        """Return the value of a variable as an array that does not change."""
        ...

    def build_optimizer(self, network: Any) -> None:
        """Create the variables of a network's optimizer with the values that they have in stock `fit`."""
        ...

    def draw_keras_orders(self, seed: int, rows: int) -> Callable[[int], Array]:
        """Return a function from an epoch to its order in stock `fit(shuffle=True)` after `set_random_seed(seed)`.

        The orders are int32 of shape (rows,).
        """
        ...

    def get_context_id(self) -> int:
        """Return the identity of the context to which graphs belong; graphs of another context cannot be used."""
        ...

    def free_memory(self) -> None:
        """Free what the backend keeps of programs that no longer exist."""
        ...
