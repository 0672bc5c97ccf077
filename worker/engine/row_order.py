"""The order of the training rows in each epoch."""

from collections.abc import Callable

import numpy as np

from stackyard.spec.training.training import Shuffle
from worker.engine.backend.selection import load_backend
from worker.preparation.arrays import Array


def build_row_order(shuffle: Shuffle, seed: int, rows: int) -> Callable[[int], Array]:
    """Return a function from an epoch, counted from 0, to the order of its rows.

    Args:
        shuffle: True for another order in every epoch, see `draw_permutation`; "keras" for the orders that stock
            `fit(shuffle=True)` uses on this backend after `keras.utils.set_random_seed(seed)`; False for none.
        seed: of the training.
        rows: number of rows.

    Returns:
        A function whose results are int32 of shape (rows,).

    """
    if shuffle is True:
        return lambda epoch: draw_permutation(seed, epoch, rows)
    if shuffle == "keras":
        return load_backend().draw_keras_orders(seed, rows)
    order = np.arange(rows, dtype=np.int32)
    return lambda _: order


def draw_permutation(seed: int, epoch: int, rows: int) -> Array:
    """Draw the order of an epoch, of shape (rows,), from the seed and the epoch alone.

    NumPy's legacy generator is used since its numbers are the same in all versions (NEP 19): the exported script
    draws the same order anywhere.
    """
    return np.random.RandomState([seed, epoch]).permutation(rows).astype(np.int32)
