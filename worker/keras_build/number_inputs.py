"""The interface through which hyperparameters become inputs of traced functions."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

SpecPath = tuple[str | int, ...]
"""The location of a number in a spec, as the segments of a JSON pointer."""

Term = Any
"""A number, the path of a number, or an operation on two terms; hashable."""


class NumberInputs(Protocol):
    """The numbers of one architecture that its traced functions read anew for every job."""

    @contextmanager
    def use_inputs(self, inputs: Any) -> Generator[None]:
        """Let `read_number` return inputs within the block, in which functions are traced."""
        ...

    def read_number(self, term: Term, value: float, dtype: Any) -> Any:
        """Return a scalar tensor that has the term's value for the current job; None if it must be a constant."""
        ...

    def build_constant(self, value: float, dtype: Any) -> Any:
        """Return a scalar tensor with this value."""
        ...

    def ignores_result(self, frame: FrameType | None) -> bool:
        """Return whether the caller of this frame, which is `__float__`, does not use the plain number."""
        ...

    def assign_values(self, evaluate: Callable[[Term], float]) -> None:
        """Set all numbers to the values for another job."""
        ...
