"""Hyperparameters as variables of TensorFlow's graphs."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import tensorflow as tf

from worker.keras_build.number_inputs import Term
from worker.runtime.private_names import execute_eagerly

_tf: Any = tf  # tensorflow carries no types


class GraphVariables:
    """Variables outside of the graphs that read them; see `NumberInputs`."""

    def __init__(self) -> None:
        self._variables: dict[tuple[Term, Any], Any] = {}
        self._reads: dict[tuple[Any, Term, Any], Any] = {}
        self._tracing = False
        self._tracing_lock = threading.Lock()

    @contextmanager
    def use_inputs(self, inputs: Any) -> Generator[None]:
        """Convert hyperparameters to variables within the block; other threads wait for their turn."""
        del inputs
        with self._tracing_lock:
            self._tracing = True
            try:
                yield
            finally:
                self._tracing = False
                self._reads.clear()

    def read_number(self, term: Term, value: float, dtype: Any) -> Any:
        """Return a variable's value while a graph is traced."""
        tensor_dtype = _tf.float32 if dtype is None else _tf.as_dtype(dtype)
        if not self._tracing or _tf.executing_eagerly() or not tensor_dtype.is_floating:
            return None
        graph = _tf.compat.v1.get_default_graph()
        key = (graph, term, tensor_dtype)  # one read in each graph: it costs as much as any small operation
        if key not in self._reads:
            self._reads[key] = self._get_variable(term, value, tensor_dtype).read_value()
        return self._reads[key]

    def build_constant(self, value: float, dtype: Any) -> Any:
        """Return a constant."""
        return _tf.constant(value, dtype)

    def ignores_result(self, frame: FrameType | None) -> bool:
        """Return False: TensorFlow calls `__tf_tensor__` only."""
        del frame
        return False

    def assign_values(self, evaluate: Callable[[Term], float]) -> None:
        """Set the variables."""
        for (term, _), variable in self._variables.items():
            variable.assign(evaluate(term))

    def _get_variable(self, term: Term, value: float, dtype: Any) -> Any:
        if (term, dtype) not in self._variables:
            # Outside the traced graph, because TensorFlow traces a function that creates variables twice.
            with _tf.Graph().as_default(), execute_eagerly():
                self._variables[term, dtype] = _tf.Variable(value, dtype=dtype, trainable=False)
        return self._variables[term, dtype]
