"""Counts of a table's rows by the columns in which they lack a value, in bounded memory."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

_MAX_KEY_CHARACTERS = 256 * 1024
"""Maximum length of all keys together, which the description stores."""


class MissingRowCounter:
    """Counts the rows of the blocks so far, by the set of columns that lack a value there.

    A set is written as `TableDescription.missing_rows` has it. Rows without a missing value are not counted.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] | None = Counter()

    @property
    def counts(self) -> Mapping[str, int] | None:
        """The number of rows by the set of columns; None if there are too many sets to list."""
        return self._counts

    def add_block(self, missing: "np.ndarray[Any, Any]") -> None:
        """Add the next rows.

        Args:
            missing: which values are missing; bool of shape (rows, columns).

        """
        if self._counts is None or not (incomplete := missing.any(axis=1)).any():
            return
        packed = np.packbits(missing[incomplete], axis=1, bitorder="little")
        sets, counts = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_counts=True)
        for columns, count in zip(sets.tolist(), counts.tolist(), strict=True):
            self._counts[f"{int.from_bytes(columns, 'little'):x}"] += count
        if sum(map(len, self._counts)) > _MAX_KEY_CHARACTERS:
            self._counts = None
