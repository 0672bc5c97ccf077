"""The TensorFlow backend."""

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops

from worker.engine.backend.program_interface import WrappedRows
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types
# Untyped, and without public names.
_context: Any = context
_ops: Any = ops
_SEED_MODULUS = 2**31 - 1
"""TensorFlow reduces seeds modulo this number."""
_VARIABLE_NAME = "Variable"


class TensorFlowBackend:
    """Operations of TensorFlow; see `Backend`."""

    def wrap_rows(self, arrays: Sequence[Array], capacity: int = 0) -> WrappedRows:
        """Return the arrays as tensors, which share their memory if that is aligned."""
        del capacity
        return tuple(_wrap_as_tensor(array) for array in arrays)

    def read_values(self, variables: Iterable[Any]) -> list[Any]:
        """Return the variables' values; a tensor that was read does not change when its variable is written."""
        return [
            _tf.raw_ops.ReadVariableOp(resource=variable.value.handle, dtype=variable.value.dtype)
            for variable in variables
        ]

    def write_values(self, variables: Iterable[Any], values: Iterable[Any]) -> None:
        """Set the variables. Keras's own `assign` comes to this, but with much overhead for each variable."""
        for variable, value in zip(variables, values, strict=True):
            _tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=value)

    def read_array(self, variable: Any) -> Array:
        """Return the value of a variable as an array."""
        return np.asarray(variable.value.numpy())

    def build_optimizer(self, network: Any) -> None:
        """Create the variables of a network's optimizer.

        The build of ScheduleFreeAdamW copies the weights into the momentum. `fit` builds it while it traces, where
        the copy has no effect; so it is traced here, too.
        """
        build: Callable[[], None] = functools.partial(network.optimizer.build, network.trainable_variables)
        if isinstance(network.optimizer, keras.optimizers.ScheduleFreeAdamW):
            _tf.function(build, autograph=False).get_concrete_function()
        else:
            build()

    def share_variable_name(self) -> AbstractContextManager[None]:
        """Give all variables created in this context one TensorFlow name; Keras's names and paths do not change.

        TensorFlow caches the kernel that creates a variable by name, shape and type, and a new kernel is expensive. An
        optimizer's slots have the shapes of the weights, but other names.
        """
        return _tf.variable_creator_scope(_create_with_shared_name)

    def draw_keras_orders(self, seed: int, rows: int) -> Callable[[int], Array]:
        """Return a function that returns the same order for every epoch, as Keras's dataset does."""
        order = _draw_keras_order(seed, rows)
        return lambda _: order

    def get_context_id(self) -> int:
        """Return the identity of TensorFlow's eager context. A child's contexts are never freed."""
        return id(_context.context())

    def free_memory(self) -> None:
        """Do nothing: TensorFlow keeps nothing of graphs."""


def _wrap_as_tensor(array: Array) -> Any:
    """Return an array as a tensor, which shares its memory if that is aligned. The array must not change any more."""
    eager_context = _context.context()
    eager_context.ensure_initialized()
    return _ops.EagerTensor(array, eager_context.device_name, None)  # like convert_to_tensor, which copies


def _create_with_shared_name(create: Callable[..., Any], **arguments: Any) -> Any:
    return create(**arguments | {"name": _VARIABLE_NAME})


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
