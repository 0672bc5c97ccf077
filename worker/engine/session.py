"""What Keras remembers from one network to the next."""

import random
from collections import defaultdict
from typing import Any

import numpy as np
from keras.src.backend.common import global_state

_keras: Any = global_state  # which carries no types


def begin(seed: int) -> None:
    """Begin as a new process does that sets a seed.

    This is `keras.backend.clear_session` and `keras.utils.set_random_seed`, but for what these do to TensorFlow: each
    makes it forget all graphs that it has prepared, which costs it a tenth of a second a graph to do again. Keras
    itself needs nothing of that: its layers draw by seeds of their own, which come from Python's generator.
    """
    _keras.set_global_attribute("object_name_uids", defaultdict[str, int](int))
    _keras.set_global_attribute("global_seed_generator", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 the generator that Keras's function seeds
