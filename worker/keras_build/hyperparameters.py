"""Numbers of a spec that a compiled function reads again for every job.

Keras writes a dropout rate or a momentum as a constant into the graph that it traces. Another rate needs another
trace, which can take longer than the training. A `Hyperparameter` is a float that knows its place in the spec:

- Arithmetic with it returns another `Hyperparameter`.
- If TensorFlow converts it to a tensor while a graph is traced, the graph gets a variable.
- If Python compares it (`rate > 0`), the comparison and its result are recorded.

The graph is valid for all numbers for which the recorded comparisons have the same results. Apart from constants it
is then the graph that Keras would have traced. The arithmetic is done in Python's float64 and rounded where Keras
rounds. torch.compile guards its graphs in the same way.

On JAX, hyperparameters are not used: XLA multiplies constant factors before anything else, so a number that is an
input gives other bits than stock `fit`, where it is a constant.
"""

import operator
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from worker.runtime.private_names import execute_eagerly

SpecPath = tuple[str | int, ...]
"""The location of a number in a spec, as the segments of a JSON pointer."""

Term = float | SpecPath | tuple["Operation", "Term", "Term"]
"""A number, the path of a number, or an operation on two terms."""

_BinaryFunction = Callable[[float, float], float]


class Operation:
    """An arithmetic operation on two numbers; one object for each kind, so that terms compare and hash by it."""

    def __init__(self, function: _BinaryFunction) -> None:
        self.function = function


_ADD = Operation(lambda left, right: left + right)
_SUBTRACT = Operation(lambda left, right: left - right)
_MULTIPLY = Operation(lambda left, right: left * right)
_DIVIDE = Operation(lambda left, right: left / right)
_POWER = Operation(lambda left, right: left**right)


class Hyperparameters:
    """The hyperparameters of one architecture, with the values of the current job.

    Args:
        values: the values of the first job.

    """

    def __init__(self, values: Mapping[SpecPath, float]) -> None:
        self._values = dict(values)
        self._comparisons: dict[tuple[Callable[[float, float], bool], Term, Term], bool] = {}
        self._variables: dict[tuple[Term, Any], Any] = {}
        self._reads: dict[tuple[Any, Term, Any], Any] = {}
        self._tracing = False
        self._tracing_lock = threading.Lock()

    def __contains__(self, path: object) -> bool:
        return path in self._values

    def get_hyperparameter(self, path: SpecPath) -> "Hyperparameter":
        """Return the hyperparameter at a path, to be passed to Keras."""
        return Hyperparameter.from_term(path, self)

    def is_valid_for(self, values: Mapping[SpecPath, float]) -> bool:
        """Return whether the traced graphs are valid for these values."""
        return all(
            compare(_evaluate_term(left, values), _evaluate_term(right, values)) is result
            for (compare, left, right), result in self._comparisons.items()
        )

    def assign_values(self, values: Mapping[SpecPath, float]) -> None:
        """Set the variables of the traced graphs to these values, for which the graphs must be valid."""
        self._values = dict(values)
        for (term, _), variable in self._variables.items():
            variable.assign(_evaluate_term(term, values))

    @contextmanager
    def use_variables(self) -> Generator[None]:
        """Convert hyperparameters to variables within the block; other threads wait for their turn."""
        with self._tracing_lock:
            self._tracing = True
            try:
                yield
            finally:
                self._tracing = False
                self._reads.clear()

    def evaluate(self, term: Term) -> float:
        """Return the value of a term for the current job."""
        return _evaluate_term(term, self._values)

    def compare(self, comparison: Callable[[float, float], bool], left: Term, right: Term) -> bool:
        """Compare two terms, and record the comparison and its result."""
        result = comparison(self.evaluate(left), self.evaluate(right))
        self._comparisons[comparison, left, right] = result
        return result

    def forget_value(self, term: Term) -> None:
        """Remove the record that a term was used as a plain number."""
        self._comparisons.pop((operator.eq, term, self.evaluate(term)), None)

    def to_tensor(self, term: Term, dtype: Any) -> Any:
        """Return a scalar tensor: a variable's value while a graph is traced, else a constant, which is recorded."""
        value, tensorflow = self.evaluate(term), _load_tensorflow()
        tensor_dtype = tensorflow.float32 if dtype is None else tensorflow.as_dtype(dtype)
        if not self._tracing or tensorflow.executing_eagerly() or not tensor_dtype.is_floating:
            self.compare(operator.eq, term, value)
            return tensorflow.constant(value, dtype)
        graph = tensorflow.compat.v1.get_default_graph()
        key = (graph, term, tensor_dtype)  # one read in each graph: it costs as much as any small operation
        if key not in self._reads:
            self._reads[key] = self._get_variable(term, value, tensor_dtype).read_value()
        return self._reads[key]

    def _get_variable(self, term: Term, value: float, dtype: Any) -> Any:
        tensorflow = _load_tensorflow()
        if (term, dtype) not in self._variables:
            # Outside the traced graph, because TensorFlow traces a function that creates variables twice.
            with tensorflow.Graph().as_default(), execute_eagerly():
                self._variables[term, dtype] = tensorflow.Variable(value, dtype=dtype, trainable=False)
        return self._variables[term, dtype]


def _load_tensorflow() -> Any:
    import tensorflow as tf  # noqa: PLC0415 this module is also imported on JAX

    return tf  # which carries no types


def _evaluate_term(term: Term, values: Mapping[SpecPath, float]) -> float:
    match term:
        case float() | int():
            return term
        case (Operation() as operation, left, right):
            return operation.function(_evaluate_term(left, values), _evaluate_term(right, values))
        case _:
            return values[term]


class Hyperparameter(float):
    """A float for Keras that records how it is used; see the module's docstring."""

    term: Term
    hyperparameters: Hyperparameters

    @classmethod
    def from_term(cls, term: Term, hyperparameters: Hyperparameters) -> Self:
        """Build a hyperparameter from a term, whose paths belong to `hyperparameters`."""
        number = cls(hyperparameters.evaluate(term))
        number.term = term
        number.hyperparameters = hyperparameters
        return number

    dtype = float
    """The dtype that keras.backend.result_type uses for a float; without it, it would use the class of the object."""

    def mark_as_stored(self) -> Self:
        """Return self, for an attribute that holds its plain number, and forget that the number was used.

        Call this only if the constructor used the plain number for nothing but that attribute.
        """
        self.hyperparameters.forget_value(self.term)
        return self

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        """Convert to a tensor, as in TensorFlow's protocol of this name."""
        del name
        return self.hyperparameters.to_tensor(self.term, dtype)

    def _apply_operation(self, operation: Operation, other: object, *, reflected: bool = False) -> Any:
        if not isinstance(other, float | int):
            return NotImplemented
        term = other.term if isinstance(other, Hyperparameter) else float(other)
        operands = (term, self.term) if reflected else (self.term, term)
        return Hyperparameter.from_term((operation, *operands), self.hyperparameters)

    def _compare_with(self, comparison: Callable[[Any, Any], bool], other: object) -> Any:
        if not isinstance(other, float | int):
            return NotImplemented
        term = other.term if isinstance(other, Hyperparameter) else float(other)
        return self.hyperparameters.compare(comparison, self.term, term)

    def _get_plain_number(self) -> float:
        """Return the plain number, and record it: the graph is then valid for this number only."""
        value = self.hyperparameters.evaluate(self.term)
        self.hyperparameters.compare(operator.eq, self.term, value)
        return value

    def __add__(self, other: object) -> Any:
        return self._apply_operation(_ADD, other)

    def __radd__(self, other: object) -> Any:
        return self._apply_operation(_ADD, other, reflected=True)

    def __sub__(self, other: object) -> Any:
        return self._apply_operation(_SUBTRACT, other)

    def __rsub__(self, other: object) -> Any:
        return self._apply_operation(_SUBTRACT, other, reflected=True)

    def __mul__(self, other: object) -> Any:
        return self._apply_operation(_MULTIPLY, other)

    def __rmul__(self, other: object) -> Any:
        return self._apply_operation(_MULTIPLY, other, reflected=True)

    def __truediv__(self, other: object) -> Any:
        return self._apply_operation(_DIVIDE, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._apply_operation(_DIVIDE, other, reflected=True)

    def __pow__(self, other: object, modulo: None = None) -> Any:
        return self._apply_operation(_POWER, other)

    def __rpow__(self, other: object, modulo: None = None) -> Any:
        return self._apply_operation(_POWER, other, reflected=True)

    def __neg__(self) -> Any:
        return self._apply_operation(_MULTIPLY, -1.0)

    def __eq__(self, other: object) -> Any:
        return self._compare_with(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._compare_with(operator.ne, other)

    def __lt__(self, other: object) -> Any:
        return self._compare_with(operator.lt, other)

    def __le__(self, other: object) -> Any:
        return self._compare_with(operator.le, other)

    def __gt__(self, other: object) -> Any:
        return self._compare_with(operator.gt, other)

    def __ge__(self, other: object) -> Any:
        return self._compare_with(operator.ge, other)

    def __bool__(self) -> bool:
        return self._compare_with(operator.ne, 0.0)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> float:
        return abs(self._get_plain_number())

    def __round__(self, digits: Any = None) -> Any:
        return round(self._get_plain_number(), digits)

    def __floordiv__(self, other: Any) -> Any:
        return self._get_plain_number() // other

    def __mod__(self, other: Any) -> Any:
        return self._get_plain_number() % other

    def __float__(self) -> float:
        return self._get_plain_number()

    def __int__(self) -> int:
        return int(self._get_plain_number())

    def __hash__(self) -> int:
        return hash(self._get_plain_number())
