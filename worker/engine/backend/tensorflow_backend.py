"""The TensorFlow backend."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from worker.engine.backend.program_interface import WrappedRows
from worker.preparation.arrays import Array
from worker.runtime import private_names

_tf: Any = tf  # which carries no types
_SEED_MODULUS = 2**31 - 1
"""TensorFlow reduces seeds modulo this number."""


class TensorFlowBackend:
    """Operations of TensorFlow; see `Backend`."""

    def wrap_rows(self, arrays: Sequence[Array], capacity: int = 0) -> WrappedRows:
        """Return the arrays as tensors, which share their memory if that is aligned."""
        del capacity
        return tuple(private_names.wrap_as_tensor(array) for array in arrays)

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

    def draw_keras_orders(self, seed: int, rows: int) -> Callable[[int], Array]:
        """Return a function that returns the same order for every epoch, as Keras's dataset does."""
        order = _draw_keras_order(seed, rows)
        return lambda _: order

    def get_context_id(self) -> int:
        """Return the identity of TensorFlow's eager context. A child's contexts are never freed."""
        return id(private_names.get_context())

    def free_memory(self) -> None:
        """Do nothing: TensorFlow keeps nothing of graphs."""


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
