"""Find out whether the rows of a table are sorted by a column."""

from typing import Any

import numpy as np


class ColumnOrder:
    """The order of the values in the blocks of a column so far."""

    def __init__(self) -> None:
        self._is_ascending = self._is_descending = True
        self._last: np.ndarray[Any, Any] | None = None

    @property
    def is_sorted(self) -> bool:
        """Whether the values ascend or descend, and are not all equal."""
        return self._is_ascending != self._is_descending

    def add_block(self, present: "np.ndarray[Any, Any]", *, is_complete: bool) -> None:
        """Add the next block.

        Args:
            present: the values of the rows that have one, at least one.
            is_complete: whether these are all values; the order is unknown without them.

        """
        if not is_complete:
            self._is_ascending = self._is_descending = False
        if not (self._is_ascending or self._is_descending):
            return
        values = present if self._last is None else np.concatenate([self._last, present])
        if (
            self._last is not None
            and self._last.dtype.kind != present.dtype.kind
            and "O"
            in (
                self._last.dtype.kind,
                present.dtype.kind,
            )
        ):
            self._is_ascending = self._is_descending = False
            return
        self._is_ascending = self._is_ascending and bool((values[1:] >= values[:-1]).all())
        self._is_descending = self._is_descending and bool((values[1:] <= values[:-1]).all())
        self._last = present[-1:]
