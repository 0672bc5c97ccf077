"""The compiled calls that train and test a network: many of Keras's own steps in each.

Stock `fit` makes one call a step, and between two steps asks an iterator for a batch and callbacks for their wishes.
Here the rows lie in tensors, and one call runs a loop around the steps.
"""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from worker.engine import training_state
from worker.engine.optimizations.activations import as_without_a_loop
from worker.engine.optimizations.products import Products
from worker.engine.program.prepared_function import Call, prepare
from worker.engine.program.step_loops import Loops, Rows
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types; tensors are Any from here on

_NUMBER, _FLAG = _tf.TensorSpec((), "int32"), _tf.TensorSpec((), "bool")
_ORDER, _ORDERS = _tf.TensorSpec((None,), "int32"), _tf.TensorSpec((None, None), "int32")


Metrics = Mapping[str, float]
"""By their names, in Keras's order."""


class Taken(NamedTuple):
    """How far a call came in an epoch."""

    step: int
    """The first step that it did not take."""
    finite: bool
    """Whether the mean loss over the epoch so far is; False only where that ends a training."""
    metrics: Metrics | None
    """Those over the epoch so far; None where they are to be read outside of the call, by `metrics`."""


class TakenEpochs(NamedTuple):
    """How far a call came over whole epochs; `step` and `finite` are those of the last of them."""

    step: int
    finite: bool
    metrics: list[tuple[Metrics, Metrics]]
    """Of each epoch's training and of its validation, which is empty where there is none."""


class Tested(NamedTuple):
    """What some steps of a test have come to."""

    metrics: Metrics | None
    """As those of `Taken`."""
    outputs: Array | None
    """The network's for the rows of these steps, as its `predict_on_batch` has them; None where nobody wants them."""


class Compiled:
    """A network and the compiled calls that train its variables.

    Args:
        network: a keras.Sequential, compiled, its optimizer built; its numbers are `hyperparameters`.
        hyperparameters: may take other values between two calls.
        x: of any number of rows like those to come.
        y: likewise.
        weighted: whether the rows to train on have weights.
        rows: the numbers of rows of a training's steps, for which kernels may be in halves.
        batch: rows of each step of a training, or 0 where they differ.

    """

    def __init__(
        self,
        network: Any,
        hyperparameters: Hyperparameters,
        x: Array,
        y: Array,
        *,
        weighted: bool,
        rows: Collection[int] = (),
        batch: int = 0,
    ) -> None:
        self.network = network
        self.hyperparameters = hyperparameters
        tested = (_rows(x), _rows(y))
        trained = (*tested, _tf.TensorSpec((None,), "float32")) if weighted else tested
        self._tested, self._trained = tested, trained
        as_without_a_loop(network)
        self._products = Products(network, rows)
        loops = Loops(network, trained, tested, batch, self._products.halves)
        with hyperparameters.tracing():
            loops.trace()
        self._loops = loops
        self._names = loops.metrics
        self.metrics_are_means = loops.metrics_are_means
        self._counters, self._zero = network.metrics_variables, _tf.zeros(())
        self._train = self._call(loops.train, trained, _ORDER, _NUMBER, _NUMBER, _NUMBER, _FLAG)
        self._train_epochs: dict[int | None, Call] = {}
        self._tests: dict[int, Call] = {}

    def _epochs_with(self, validation: int | None) -> Call:
        """The call that takes epochs, by rows of each step of the validation; None is without one."""
        if validation not in self._train_epochs:
            tested = () if validation is None else self._tested
            function = partial(self._loops.train_epochs, batch=validation or 0)
            self._train_epochs[validation] = self._call(function, self._trained, tested, _ORDERS, _NUMBER, _FLAG)
        return self._train_epochs[validation]

    def _test(self, batch: int) -> Call:
        if batch not in self._tests:
            function = partial(self._loops.evaluate, batch=batch)
            self._tests[batch] = self._call(function, self._tested, _NUMBER, _NUMBER, _NUMBER, _FLAG)
        return self._tests[batch]

    def _call(self, function: Any, *signature: Any) -> Call:
        return Call(function, signature, lambda: _nothing(signature), self.hyperparameters.tracing)

    @contextmanager
    def preparing(self, *, several: bool, validation: int | None, evaluation: int | None) -> Generator[None]:
        """While this lasts, TensorFlow prepares a training's first calls; at its end it can begin.

        Args:
            several: whether the calls take several epochs.
            validation: rows of each of its steps, 0 where they differ, None where there is none.
            evaluation: likewise, of the one that comes after the training.

        """
        if several:
            calls = [self._epochs_with(validation)]
        else:
            calls = [self._train] if validation is None else [self._train, self._test(validation)]
        prepare(calls, trace=True)
        yield
        if evaluation is not None and not calls[0].is_ready:  # Python has nothing else to do
            self._test(evaluation).trace()
        calls[0].ready()

    def prepare_evaluation(self, batch: int) -> None:
        """Begin to prepare the call that tests in steps of so many rows each, or of different ones if that is 0."""
        prepare([self._test(batch)], trace=False)

    def settle(self) -> None:
        """Wait until nothing is being prepared any more."""
        for call in (self._train, *self._tests.values(), *self._train_epochs.values()):
            call.ready()

    @property
    def size(self) -> int:
        """How many bytes its variables take."""
        return training_state.size(self.network) + (0 if self._products.halves is None else self._products.halves.size)

    def suits(self, rows: Collection[int]) -> bool:
        """Whether it trains with Keras's bits in steps of so many rows."""
        return self._products.suit(rows)

    def expect(self, rows: Collection[int]) -> None:
        """Choose what is fastest for steps of so many rows; no bit depends on it."""
        self._products.choose(rows)

    def take_over(self) -> None:
        """Have the next steps go on from the network's state, to be called where that was set by others."""
        self._loops.take_over()

    def hand_back(self) -> None:
        """Have the network's state be what the last steps left; until then it need not be."""
        self._loops.hand_back()

    def make_whole(self) -> None:
        """Have its weights be, for a test or for callbacks."""
        self._loops.make_whole()

    def train(self, rows: Rows, order: Array, steps: range, batch_size: int, *, fresh: bool, stop: bool) -> Taken:
        """Take some steps of an epoch.

        Args:
            rows: to train on.
            order: which row is the epoch's first, second and so on; int32 of shape (rows of the epoch,).
            steps: which of its steps.
            batch_size: rows a step; the last step has what is left.
            fresh: whether metrics begin anew.
            stop: whether to stop after a step that leaves the mean loss not finite.

        """
        if fresh:
            self._reset()
        step, finite, metrics = self._train(rows, order, steps.start, steps.stop, batch_size, stop)
        return Taken(int(step), bool(finite), self._named(metrics))

    def train_epochs(
        self, rows: Rows, validation: Rows | None, orders: Array, batch_size: int, *, batch: int, stop: bool
    ) -> TakenEpochs:
        """Train for whole epochs, each followed by its validation.

        `orders` has a row for each epoch; `batch` is how many each step of the validation has, 0 where they differ.
        """
        call = self._epochs_with(None if validation is None else batch)
        step, finite, metrics = call(rows, validation or (), orders, batch_size, stop)
        count = len(self._names)
        told: list[tuple[Metrics, Metrics]] = [
            (dict(zip(self._names, row[:count], strict=True)), dict(zip(self._names, row[count:], strict=False)))
            for row in metrics.numpy().tolist()
        ]
        return TakenEpochs(int(step), bool(finite), told)

    def test(
        self, rows: Rows, steps: range, batch_size: int, *, batch: int, fresh: bool, kept: bool = False
    ) -> Tested:
        """Take some steps of a test, and keep the network's outputs, or not; `batch` is as that of `train_epochs`."""
        if fresh:
            self._reset()
        metrics, outputs = self._test(batch)(rows, steps.start, steps.stop, batch_size, kept)
        return Tested(self._named(metrics), outputs.numpy() if kept else None)

    def _reset(self) -> None:
        """Have metrics begin anew: means from zero, which Keras does in 0.14 ms for each number, and this in 0.02."""
        if not self.metrics_are_means:
            self.network.reset_metrics()
            return
        for variable in self._counters:
            _tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=self._zero)

    def _named(self, results: Any) -> Metrics | None:
        return dict(zip(self._names, results.numpy().tolist(), strict=True)) if self.metrics_are_means else None

    def metrics(self) -> dict[str, float]:
        """Return the metrics over the epoch so far, or over the test, computed as Keras does: outside of any graph."""
        results: dict[str, Any] = self.network.get_metrics_result()
        return {name: float(value) for name, value in results.items()}


def _rows(array: Array) -> Any:
    return _tf.TensorSpec((None, *array.shape[1:]), array.dtype)


def _nothing(signature: Any) -> Any:
    """Arguments of no rows, from step 1 up to step 1, with no flag set."""

    def of(spec: Any) -> Any:
        one = _tf.zeros((), "bool") if spec is _FLAG else _tf.cast(1, spec.dtype)
        return _tf.fill([0 if size is None else size for size in spec.shape], one)

    return _tf.nest.map_structure(of, signature)
