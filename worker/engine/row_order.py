"""The order of the training rows in each epoch."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from stackyard.spec.training.training import Shuffle
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types
_SEED_MODULUS = 2**31 - 1
"""TensorFlow reduces seeds modulo this number."""


def build_row_order(shuffle: Shuffle, seed: int, rows: int) -> Callable[[int], Array]:
    """Return a function from an epoch, counted from 0, to the order of its rows.

    Args:
        shuffle: True for another order in every epoch, see `draw_permutation`; "keras" for the order that stock
            `fit(shuffle=True)` uses in every epoch after `keras.utils.set_random_seed(seed)`; False for none.
        seed: of the training.
        rows: number of rows.

    Returns:
        A function whose results are int32 of shape (rows,).

    """
    if shuffle is True:
        return lambda epoch: draw_permutation(seed, epoch, rows)
    order = _draw_keras_order(seed, rows) if shuffle == "keras" else np.arange(rows, dtype=np.int32)
    return lambda _: order


def draw_permutation(seed: int, epoch: int, rows: int) -> Array:
    """Draw the order of an epoch, of shape (rows,), from the seed and the epoch alone.

    NumPy's legacy generator is used since its numbers are the same in all versions (NEP 19): the exported script
    draws the same order anywhere.
    """
    return np.random.RandomState([seed, epoch]).permutation(rows).astype(np.int32)


@functools.lru_cache(maxsize=1)  # a diverged training is repeated
def _draw_keras_order(seed: int, rows: int) -> Array:
    """Return the order that keras.src.trainers.data_adapters.ArrayDataAdapter draws, of shape (rows,).

    Keras shuffles the row numbers in a tf.data function, as the first random operation of a graph. Its seeds are the
    global seed (tf.random.set_seed) and 0, and it restarts with every epoch, so that the order is always the same.
    """
    first, second = seed % _SEED_MODULUS, 0 if seed % _SEED_MODULUS else _SEED_MODULUS  # as framework.random_seed does
    # A new graph starts its random sequence anew, like that of tf.data. A session is faster here than tf.function.
    graph = _tf.Graph()
    with graph.as_default():
        row_numbers = _tf.compat.v1.placeholder("int32", (rows,))
        shuffled = _tf.raw_ops.RandomShuffle(value=row_numbers, seed=first, seed2=second)
    with _tf.compat.v1.Session(graph=graph, config=_build_session_config()) as session:
        return session.run(shuffled, {row_numbers: np.arange(rows, dtype=np.int32)})


def _build_session_config() -> Any:
    """Return a configuration for a single operation on the CPU, which is not worth optimizing."""
    config = _tf.compat.v1.ConfigProto(device_count={"GPU": 0})
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config
