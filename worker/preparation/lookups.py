"""Check inputs that an Embedding looks up: TensorFlow stops at some invalid indices, and misreads others silently."""

from collections.abc import Callable

import numpy as np

from stackyard.spec import JobSpec
from stackyard.spec.layers.lookups import find_input_embedding
from worker.preparation.arrays import Array, PreparationError, split_into_blocks
from worker.preparation.prepared_data import PreparedData

_ROWS_PER_BLOCK = 4096


def get_vocabulary_size(spec: JobSpec) -> int | None:
    """Return the number of values that the inputs of a network may have, from 0; None without an Embedding."""
    found = find_input_embedding(spec.network.layers)
    return None if found is None else found[1].input_dim


def mask_invalid_indices(x: Array, vocabulary_size: int) -> Array:
    """Return which inputs are no whole number from 0 to below `vocabulary_size`; bool of the shape of `x`."""
    return np.asarray((x < 0) | (x >= vocabulary_size) | (x != np.floor(x)))


def check_lookups(spec: JobSpec, data: PreparedData, check: Callable[[], None]) -> None:
    """Require that an Embedding can look up all inputs.

    Args:
        spec: of the job.
        data: its rows.
        check: called between blocks of rows; exceptions that it raises are passed on.

    Raises:
        PreparationError: an input is no whole number, or is outside of the vocabulary.

    """
    size = get_vocabulary_size(spec)
    if size is None:
        return
    for name, x in (("training", data.x_train), ("validation", data.x_validation), ("test", data.x_test)):
        if x is not None:
            _check_subset(x, name, size, check)


def _check_subset(x: Array, name: str, size: int, check: Callable[[], None]) -> None:
    for rows in split_into_blocks(len(x), _ROWS_PER_BLOCK):
        check()
        block = x[rows]
        invalid = block[mask_invalid_indices(block, size)]
        if invalid.size:
            expected = f"expected whole numbers from 0 to {size - 1}, received {invalid[0]:g}"
            raise PreparationError(f"An Embedding cannot look up the inputs of the {name} rows: {expected}.")
