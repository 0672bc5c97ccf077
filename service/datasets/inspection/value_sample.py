"""Evenly spaced samples of the values of a column or an array, in bounded memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

_arrow: Any = pa  # pyarrow has no type annotations

MAX_TEXT_LENGTH = 100
"""Length in characters to which texts are cut."""
_MAX_NUMBERS = 100_000
"""Maximum number of sampled numbers of one column."""
_MAX_ALL_NUMBERS = 4_000_000
"""Maximum number of sampled numbers of all columns together, if each may have at least a hundred."""
_MAX_TEXTS = 10_000
_MAX_ALL_TEXTS = 400_000


class ValueSample:
    """Every n-th value of the blocks so far, from the first; n is a power of two, and 1 while all values fit.

    Args:
        capacity: maximum number of values.

    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._stride = 1
        self._blocks: list[np.ndarray[Any, Any]] = []
        self._size = 0
        self.count = 0
        """The number of values of the blocks so far."""

    @property
    def is_complete(self) -> bool:
        """Whether the sample has every value."""
        return self._stride == 1

    @property
    def values(self) -> "np.ndarray[Any, Any]":
        """The sampled values, in the order of the file."""
        return np.concatenate(self._blocks) if self._blocks else np.empty(0)

    def add_block(self, values: "np.ndarray[Any, Any]") -> None:
        """Add the next values."""
        self._append(np.array(self._pick(values)))

    def _pick(self, values: Any) -> Any:
        """Return the values that belong to the sample, after it is thinned out to have room for them."""
        while self._size + len(values) // self._stride > self._capacity:
            self._thin()
        first = -self.count % self._stride
        self.count += len(values)
        return values[first :: self._stride]

    def _thin(self) -> None:
        self._blocks = [self.values[::2]]
        self._size = len(self._blocks[0])
        self._stride *= 2

    def _append(self, block: "np.ndarray[Any, Any]") -> None:
        if len(block):
            self._blocks.append(block)
            self._size += len(block)


class TextSample(ValueSample):
    """A sample of texts, each cut to `MAX_TEXT_LENGTH`. It counts missing ones as values, and keeps their places."""

    def add_block(self, values: Any) -> None:
        """Add the next texts.

        Args:
            values: an Arrow array, or an array of pandas; missing values are not texts.

        """
        picked = self._pick(values)
        self._append(np.array([*_cut_texts(picked)], dtype=object))

    def list_texts(self) -> list[str]:
        """Return the texts without the missing ones."""
        return [text for text in self.values.tolist() if text is not None]


def _cut_texts(values: Any) -> Iterator[str | None]:
    for value in values.to_pylist() if isinstance(values, _arrow.Array) else values:
        yield value[:MAX_TEXT_LENGTH] if isinstance(value, str) else None


class ColumnSample:
    """The samples of a column whose values may be numbers or texts.

    Args:
        number_of_columns: how many columns the file has, which share the memory.

    """

    def __init__(self, number_of_columns: int) -> None:
        self.numbers = ValueSample(_share_capacity(_MAX_ALL_NUMBERS, number_of_columns, _MAX_NUMBERS))
        self.texts = TextSample(_share_capacity(_MAX_ALL_TEXTS, number_of_columns, _MAX_TEXTS))


def _share_capacity(total: int, number_of_columns: int, maximum: int) -> int:
    return max(20, min(maximum, total // max(1, number_of_columns)))
