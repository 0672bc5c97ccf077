"""Encode categories as indices and as one-hot rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from worker.preparation.arrays import Array, PreparationError


def encode_as_indices(values: Any, categories: Sequence[int | bool | str], name: str) -> Array:
    """Return the index of each value among the categories; int64 of shape (rows,).

    Args:
        values: a column, or an array with one dimension.
        categories: as listed by the dataset's description.
        name: of the column or array, for the error message.

    Raises:
        PreparationError: a value is missing or is not a category.

    """
    index: Any = pd.Index(list(categories))
    indices: Array = index.get_indexer(pd.Index(values)).astype(np.int64)
    if (indices < 0).any():
        raise PreparationError(f"“{name}” has missing values, or some that its description does not list.")
    return indices


def encode_one_hot(indices: Array, class_count: int) -> Array:
    """Return float32 rows with a 1 at each index and zeros elsewhere; shape (rows, classes)."""
    encoded = np.zeros((len(indices), class_count), np.float32)
    encoded[np.arange(len(indices)), indices] = 1
    return encoded
