"""Global state of Keras and TensorFlow that outlives a network."""

import random
from collections import defaultdict
from typing import Any

import numpy as np
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

# Untyped.
_keras: Any = global_state
_saving: Any = saving_lib

_SAVED_KINDS = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")
"""Keras's names for the kinds of objects in a model file."""


def reset_session(seed: int) -> None:
    """Reset Keras's global state and set the seed, as in a new process.

    This does the same as `keras.backend.clear_session` and `keras.utils.set_random_seed`, except for their effects on
    TensorFlow. Either function discards all graphs that TensorFlow has prepared, which take long to prepare again.
    Keras does not need that: its layers use seeds of their own, which come from Python's generator.
    """
    _keras.set_global_attribute("object_name_uids", defaultdict[str, int](int))
    _keras.set_global_attribute("global_seed_generator", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 the generator that Keras's function seeds


def cache_saved_attributes() -> None:
    """Have Keras compute only once which attributes are left out of model files, and not in each `save`.

    Keras intends this, but Keras 3.15 stores the result under one name (`saving_attr_skipset_…`) and looks it up under
    another. Without this function, each `save` creates an optimizer, a metric and several layers to find out.
    """
    for kind in _SAVED_KINDS:
        _keras.set_global_attribute(f"saving_attr_skiplist_{kind}", _saving.get_attr_skipset(kind))
