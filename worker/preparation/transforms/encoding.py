"""Categories as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from worker.preparation.arrays import Array, PreparationError


def places(values: Any, categories: Sequence[int | bool | str], name: str) -> Array:
    """Each value's place, from 0, among the categories; int64 of shape (rows,).

    Args:
        values: a column or an array of one dimension.
        categories: as the dataset's description lists them.
        name: of the column or the array, for a message.

    Raises:
        PreparationError: a value is missing or is none of them.

    """
    index: Any = pd.Index(list(categories))
    found: Array = index.get_indexer(pd.Index(values)).astype(np.int64)
    if (found < 0).any():
        raise PreparationError(f"“{name}” has missing values, or some that its description does not list.")
    return found


def one_hot(found: Array, classes: int) -> Array:
    """Places as float32 rows with a 1 at that place; shape (rows, classes)."""
    encoded = np.zeros((len(found), classes), np.float32)
    encoded[np.arange(len(found)), found] = 1
    return encoded
