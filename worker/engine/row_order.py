"""In which order an epoch takes the training rows."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from stackyard.spec.training.training import Shuffle
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types
_MOST = 2**31 - 1
"""What TensorFlow's seeds are counted up to."""


def orders(shuffle: Shuffle, seed: int, rows: int) -> Callable[[int], Array]:
    """Return the function from an epoch, counted from 0, to the order of its rows.

    Args:
        shuffle: True for an order of its own for every epoch, `permutation`; "keras" for the one that stock
            `fit(shuffle=True)` takes in every epoch after `keras.utils.set_random_seed(seed)`; False for none.
        seed: of the training.
        rows: how many there are.

    Returns:
        A function whose results are int32 of shape (rows,).

    """
    if shuffle is True:
        return lambda epoch: permutation(seed, epoch, rows)
    order = _of_keras(seed, rows) if shuffle == "keras" else np.arange(rows, dtype=np.int32)
    return lambda _: order


def permutation(seed: int, epoch: int, rows: int) -> Array:
    """Draw the order of an epoch from the seed and the epoch's number alone, of shape (rows,).

    By NumPy's legacy generator, whose numbers never change with its version (NEP 19): the exported script draws the
    same anywhere.
    """
    return np.random.RandomState([seed, epoch]).permutation(rows).astype(np.int32)


@functools.lru_cache(maxsize=1)  # a training that diverges is gone through twice
def _of_keras(seed: int, rows: int) -> Array:
    """What keras.src.trainers.data_adapters.ArrayDataAdapter draws, of shape (rows,).

    It shuffles the numbers of rows in a function of tf.data, as the first random operation of a graph, whose seeds are
    the global one and 0 (tf.random.set_seed), and begins anew with every epoch: the same order each time.
    """
    first, second = seed % _MOST, 0 if seed % _MOST else _MOST  # as tensorflow.python.framework.random_seed does
    # A graph of its own begins anew, as tf.data's does. One of a session's costs a millisecond, of tf.function's five.
    graph = _tf.Graph()
    with graph.as_default():
        numbers = _tf.compat.v1.placeholder("int32", (rows,))
        shuffled = _tf.raw_ops.RandomShuffle(value=numbers, seed=first, seed2=second)
    with _tf.compat.v1.Session(graph=graph, config=_once()) as session:
        return session.run(shuffled, {numbers: np.arange(rows, dtype=np.int32)})


def _once() -> Any:
    """What a session is told that runs a single operation: it is not worth optimising, and no card has it."""
    config = _tf.compat.v1.ConfigProto(device_count={"GPU": 0})
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config
