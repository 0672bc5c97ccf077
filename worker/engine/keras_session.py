"""Global state of Keras that outlives a network."""

import random

import numpy as np

from worker.runtime import private_names


def reset_session(seed: int) -> None:
    """Reset Keras's global state and set the seed, as in a new process.

    This does the same as `keras.backend.clear_session` and `keras.utils.set_random_seed`, except for their effects on
    TensorFlow. Either function discards all graphs that TensorFlow has prepared, which take long to prepare again.
    Keras does not need that: its layers use seeds of their own, which come from Python's generator.
    """
    private_names.reset_keras_names()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 the generator that Keras's function seeds
