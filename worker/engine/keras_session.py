"""What Keras and TensorFlow remember from one network to the next."""

import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

# Without types.
_keras: Any = global_state
_saving: Any = saving_lib
_tf: Any = tf

_NAME = "Variable"
_SAVED = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")
"""What a model's file is made of, in Keras's words."""


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


def one_name() -> AbstractContextManager[None]:
    """While this lasts, TensorFlow knows all variables by one name; Keras's names and paths are its own.

    TensorFlow makes a variable by a kernel that it keeps for the next of the same name, shape and type, and takes 0.4
    ms to make another. What an optimizer remembers of a weight has the weight's shape and another name.
    """
    return _tf.variable_creator_scope(_named_alike)


def _named_alike(create: Callable[..., Any], **given: Any) -> Any:
    return create(**given | {"name": _NAME})


def remember_what_is_saved() -> None:
    """Have Keras find out once, and not in each `save`, which attributes of its objects have no place in a file.

    It means to, but Keras 3.15 notes them under one name (`saving_attr_skipset_…`) and looks under another. Without
    that it makes an optimizer, a metric and several layers for each `save`, in a fifth of its time.
    """
    for kind in _SAVED:
        _keras.set_global_attribute(f"saving_attr_skiplist_{kind}", _saving.get_attr_skipset(kind))
