"""Numbers of a spec that a compiled function reads anew for every job.

Keras writes a dropout rate or a momentum into the graph that it traces, as a constant: another rate needs another
trace, which takes longer than many a training. A `Hyperparameter` is a float that knows where it comes from.
Arithmetic with it gives further ones; where TensorFlow makes a tensor of it, the graph gets a variable; and whenever
Python looks at it (`rate > 0`), what it saw is noted. The graph is right for all other numbers that look the same: it
then is, but for the constants, the one that Keras would have traced, and its arithmetic is done in Python's float64
and rounded where Keras's is. torch.compile guards its graphs likewise.
"""

import operator
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import tensorflow as tf

_tf: Any = tf  # which carries no types

Path = tuple[str | int, ...]
"""Where in a spec a number stands, as a JSON pointer's parts."""

Term = float | Path | tuple["Operation", "Term", "Term"]
"""A number, the place of one, or what becomes of two."""

_Two = Callable[[float, float], float]


class Operation:
    """Arithmetic of two numbers; one object for each kind, so that terms compare and hash by it."""

    def __init__(self, function: _Two) -> None:
        self.function = function


_ADD = Operation(lambda left, right: left + right)
_SUBTRACT = Operation(lambda left, right: left - right)
_MULTIPLY = Operation(lambda left, right: left * right)
_DIVIDE = Operation(lambda left, right: left / right)
_POWER = Operation(lambda left, right: left**right)


class Hyperparameters:
    """The numbers of one architecture, at the values of one job.

    Args:
        values: the first job's.

    """

    def __init__(self, values: Mapping[Path, float]) -> None:
        self._values = dict(values)
        self._seen: dict[tuple[Callable[[float, float], bool], Term, Term], bool] = {}
        self._variables: dict[tuple[Term, Any], Any] = {}
        self._reads: dict[tuple[Any, Term, Any], Any] = {}
        self._tracing = False
        self._turn = threading.Lock()

    def number(self, path: Path) -> "Hyperparameter":
        """The number at a place, as Keras is to have it."""
        return Hyperparameter.of(path, self)

    def fit(self, values: Mapping[Path, float]) -> bool:
        """Return whether what was traced is right for these values."""
        return all(
            compare(_evaluated(left, values), _evaluated(right, values)) is outcome
            for (compare, left, right), outcome in self._seen.items()
        )

    def assign(self, values: Mapping[Path, float]) -> None:
        """Set what was traced to these values, which fit."""
        self._values = dict(values)
        for (term, _), variable in self._variables.items():
            variable.assign(_evaluated(term, values))

    @contextmanager
    def tracing(self) -> Generator[None]:
        """While this lasts, tensors made of the numbers are variables; another thread's must wait."""
        with self._turn:
            self._tracing = True
            try:
                yield
            finally:
                self._tracing = False
                self._reads.clear()

    def evaluated(self, term: Term) -> float:
        """The term's value for the present job."""
        return _evaluated(term, self._values)

    def look(self, compare: Callable[[float, float], bool], left: Term, right: Term) -> bool:
        """Compare two terms for Python, and note what it saw."""
        outcome = compare(self.evaluated(left), self.evaluated(right))
        self._seen[compare, left, right] = outcome
        return outcome

    def forget(self, term: Term) -> None:
        """Forget that a term was given away."""
        self._seen.pop((operator.eq, term, self.evaluated(term)), None)

    def tensor(self, term: Term, dtype: Any) -> Any:
        """Return a scalar tensor: a variable's in a graph that is being traced, else a constant, which is noted."""
        value = self.evaluated(term)
        kind = _tf.float32 if dtype is None else _tf.as_dtype(dtype)
        if not self._tracing or _tf.executing_eagerly() or not kind.is_floating:
            self.look(operator.eq, term, value)
            return _tf.constant(value, dtype)
        graph = _tf.compat.v1.get_default_graph()
        key = (graph, term, kind)  # one read a graph: a variable's costs as much as any small operation
        if key not in self._reads:
            self._reads[key] = self._variable(term, value, kind).read_value()
        return self._reads[key]

    def _variable(self, term: Term, value: float, kind: Any) -> Any:
        if (term, kind) not in self._variables:
            # As if nothing were being traced: a function that has seen the making of a variable is traced twice.
            with _tf.Graph().as_default(), _tf.__internal__.eager_context.eager_mode():
                self._variables[term, kind] = _tf.Variable(value, dtype=kind, trainable=False)
        return self._variables[term, kind]


def _evaluated(term: Term, values: Mapping[Path, float]) -> float:
    match term:
        case float() | int():
            return term
        case (Operation() as operation, left, right):
            return operation.function(_evaluated(left, values), _evaluated(right, values))
        case _:
            return values[term]


class Hyperparameter(float):
    """A float that Keras computes with as with any other; see this module."""

    term: Term
    among: Hyperparameters

    @classmethod
    def of(cls, term: Term, among: Hyperparameters) -> Self:
        """Make one of a term over the numbers `among` which its places are."""
        made = cls(among.evaluated(term))
        made.term = term
        made.among = among
        return made

    dtype = float
    """What keras.backend.result_type takes a float for; it would look at the class of what has no dtype."""

    def kept(self) -> Self:
        """Return this, for an attribute that has its plain number; it was given away for nothing else."""
        self.among.forget(self.term)
        return self

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        """Become a tensor, by TensorFlow's protocol of that name."""
        del name
        return self.among.tensor(self.term, dtype)

    def _with(self, operation: Operation, other: object, *, reflected: bool = False) -> Any:
        if not isinstance(other, float | int):
            return NotImplemented
        term = other.term if isinstance(other, Hyperparameter) else float(other)
        pair = (term, self.term) if reflected else (self.term, term)
        return Hyperparameter.of((operation, *pair), self.among)

    def _look(self, compare: Callable[[Any, Any], bool], other: object) -> Any:
        if not isinstance(other, float | int):
            return NotImplemented
        return self.among.look(compare, self.term, other.term if isinstance(other, Hyperparameter) else float(other))

    def _given_away(self) -> float:
        """The plain number, for whoever cannot do without: the graph is right for this one alone."""
        value = self.among.evaluated(self.term)
        self.among.look(operator.eq, self.term, value)
        return value

    def __add__(self, other: object) -> Any:
        return self._with(_ADD, other)

    def __radd__(self, other: object) -> Any:
        return self._with(_ADD, other, reflected=True)

    def __sub__(self, other: object) -> Any:
        return self._with(_SUBTRACT, other)

    def __rsub__(self, other: object) -> Any:
        return self._with(_SUBTRACT, other, reflected=True)

    def __mul__(self, other: object) -> Any:
        return self._with(_MULTIPLY, other)

    def __rmul__(self, other: object) -> Any:
        return self._with(_MULTIPLY, other, reflected=True)

    def __truediv__(self, other: object) -> Any:
        return self._with(_DIVIDE, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._with(_DIVIDE, other, reflected=True)

    def __pow__(self, other: object, modulo: None = None) -> Any:
        return self._with(_POWER, other)

    def __rpow__(self, other: object, modulo: None = None) -> Any:
        return self._with(_POWER, other, reflected=True)

    def __neg__(self) -> Any:
        return self._with(_MULTIPLY, -1.0)

    def __eq__(self, other: object) -> Any:
        return self._look(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._look(operator.ne, other)

    def __lt__(self, other: object) -> Any:
        return self._look(operator.lt, other)

    def __le__(self, other: object) -> Any:
        return self._look(operator.le, other)

    def __gt__(self, other: object) -> Any:
        return self._look(operator.gt, other)

    def __ge__(self, other: object) -> Any:
        return self._look(operator.ge, other)

    def __bool__(self) -> bool:
        return self._look(operator.ne, 0.0)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> float:
        return abs(self._given_away())

    def __round__(self, digits: Any = None) -> Any:
        return round(self._given_away(), digits)

    def __floordiv__(self, other: Any) -> Any:
        return self._given_away() // other

    def __mod__(self, other: Any) -> Any:
        return self._given_away() % other

    def __float__(self) -> float:
        return self._given_away()

    def __int__(self) -> int:
        return int(self._given_away())

    def __hash__(self) -> int:
        return hash(self._given_away())
