"""The compiled calls that train and test a network: many of Keras's own steps in each.

Stock `fit` makes one call a step, and between two steps asks an iterator for a batch and callbacks for their wishes.
Here the rows lie in tensors, and one call runs a loop around `network.train_step` and `network.test_step`. Both are
traced as Keras traces them, of batches of any size: the kernels are the same, and so are the bits.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from worker.engine.call import Call, prepare
from worker.engine.flat_adam import flatten
from worker.engine.lean_adam import lighten
from worker.engine.masks import Dropouts, Masks, Seeds
from worker.engine.products import Products
from worker.hyperparameters import Hyperparameters
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types; tensors are Any from here on
_function: Any = _tf.function

_NUMBER, _FLAG = _tf.TensorSpec((), "int32"), _tf.TensorSpec((), "bool")
_ORDERS = _tf.TensorSpec((None, None), "int32")

Rows = tuple[Any, ...]
"""Tensors of as many rows each: `x`, `y` and, where rows have them, weights."""


class Taken(NamedTuple):
    """How far a call came in an epoch."""

    step: int
    """The first step that it did not take."""
    finite: bool
    """Whether the mean loss over the epoch so far is; False only where that ends a training."""


class TakenEpochs(NamedTuple):
    """How far a call came over whole epochs; `step` and `finite` are those of the last of them."""

    step: int
    finite: bool
    metrics: list[tuple[dict[str, float], dict[str, float]]]
    """Of each epoch's training and of its validation, which is empty where there is none."""


class Compiled:
    """A network and the compiled calls that train its variables.

    Args:
        network: a keras.Sequential, compiled, its optimizer built; its numbers are `hyperparameters`.
        hyperparameters: may take other values between two calls.
        x: of any number of rows like those to come.
        y: likewise.
        weighted: whether the rows to train on have weights.

    """

    def __init__(self, network: Any, hyperparameters: Hyperparameters, x: Array, y: Array, *, weighted: bool) -> None:
        self.network = network
        self.hyperparameters = hyperparameters
        tested = (_spec(x.dtype, *x.shape[1:]), _spec(y.dtype, *y.shape[1:]))
        self._rows = (*tested, _spec("float32")) if weighted else tested
        self._validation = tested
        lighten(network.optimizer)
        self._flat_adam = flatten(network)
        self._products = Products()
        with hyperparameters.tracing():
            self._dropouts = Dropouts(network)
        self._train_step = _traced(self._step, self._rows, self._dropouts.signature)
        self._test_step = _traced(network.test_step, tested)
        with hyperparameters.tracing(), self._products.tracing():
            self._train_step.get_concrete_function()  # makes what Keras makes at a first step, as metrics' variables
        self._names = list(network.get_metrics_result())
        steps = (_NUMBER, _NUMBER, _NUMBER, _FLAG)
        self._train = self._call(self._training, self._rows, _spec("int32"), *steps, _FLAG)
        self._test = self._call(self._testing, tested, *steps)
        self._train_epochs = {
            validation: self._call(self._training_epochs, self._rows, validation, _ORDERS, _NUMBER, _FLAG)
            for validation in ((), tested)
        }
        self._predict = self._call(self._predicting, tested[0], _NUMBER, _NUMBER, _NUMBER)
        self._evaluation = [self._predict, self._test]

    def _call(self, function: Any, *signature: Any) -> Call:
        return Call(function, signature, _nothing(signature), self.hyperparameters.tracing)

    @contextmanager
    def preparing(self, *, several: bool, validated: bool, evaluated: bool) -> Generator[None]:
        """While this lasts, TensorFlow prepares a training's first calls; at its end it can begin.

        Args:
            several: whether the calls take several epochs.
            validated: whether there is a validation.
            evaluated: whether an evaluation comes after the training.

        """
        if several:
            calls = [self._train_epochs[self._validation if validated else ()]]
        else:
            calls = [self._train, self._test] if validated else [self._train]
        prepare(calls, trace=True)
        yield
        for call in self._evaluation if evaluated else []:
            if not calls[0].is_ready:  # Python has nothing else to do
                call.trace()
        calls[0].ready()

    def prepare_evaluation(self) -> None:
        """Begin to prepare the calls that test and predict."""
        prepare(self._evaluation, trace=False)

    def settle(self) -> None:
        """Wait until nothing is being prepared any more."""
        for call in (self._train, self._test, *self._train_epochs.values(), self._predict):
            call.ready()

    def expect(self, rows: int, batch_size: int) -> None:
        """Choose what is fastest for steps over so many rows, the last of what is left; no bit depends on it."""
        self._products.choose({min(rows, batch_size), rows % batch_size} - {0})

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
        step, finite = self._train(rows, order, steps.start, steps.stop, batch_size, fresh, stop)
        return Taken(int(step), bool(finite))

    def train_epochs(
        self, rows: Rows, validation: Rows | None, orders: Array, batch_size: int, *, stop: bool
    ) -> TakenEpochs:
        """Train for whole epochs, each followed by its validation; `orders` has a row for each epoch."""
        call = self._train_epochs[() if validation is None else self._validation]
        step, finite, metrics = call(rows, validation or (), orders, batch_size, stop)
        return TakenEpochs(int(step), bool(finite), [self._told(row) for row in metrics.numpy().tolist()])

    def _told(self, row: list[float]) -> tuple[dict[str, float], dict[str, float]]:
        count = len(self._names)
        return dict(zip(self._names, row[:count], strict=True)), dict(zip(self._names, row[count:], strict=False))

    def test(self, rows: Rows, steps: range, batch_size: int, *, fresh: bool) -> None:
        """Take some steps of a test."""
        self._test(rows, steps.start, steps.stop, batch_size, fresh)

    def metrics(self) -> dict[str, float]:
        """Return the metrics over the epoch so far, or over the test, computed as Keras does: outside of any graph."""
        results: dict[str, Any] = self.network.get_metrics_result()
        return {name: float(value) for name, value in results.items()}

    @property
    def takes_epochs(self) -> bool:
        """Whether `train_epochs` gives the bits of `metrics`: those of means are the same within a graph."""
        flat = [one for metric in self.network.metrics for one in getattr(metric, "metrics", [metric])]
        return all(isinstance(metric, keras.metrics.Mean) for metric in flat)

    def predict(self, x: Any, steps: range, batch_size: int) -> Array:
        """Return the network's outputs for the rows of some steps of `x`, as its `predict_on_batch` has them."""
        return self._predict(x, steps.start, steps.stop, batch_size).numpy()

    # What follows is traced: each call of it makes a graph.

    def _training(
        self, rows: Rows, order: Any, first: Any, last: Any, batch_size: Any, fresh: Any, stop: Any
    ) -> tuple[Any, Any]:
        with self._updating():
            return self._epoch(rows, order, first, last, batch_size, fresh, stop)

    def _epoch(
        self, rows: Rows, order: Any, first: Any, last: Any, batch_size: Any, fresh: Any, stop: Any
    ) -> tuple[Any, Any]:
        self._reset(fresh)

        def ready(step: Any, seeds: Seeds) -> tuple[Rows, Masks]:
            chosen = order[step * batch_size : (step + 1) * batch_size]
            return tuple(_tf.gather(part, chosen) for part in rows), self._dropouts.masks(seeds, _tf.size(chosen))

        def take(step: Any, _: Any, given: tuple[Rows, Masks], seeds: Seeds) -> Any:
            logs = self._train_step(*given)
            finite = _tf.math.is_finite(logs["loss"]) | ~stop
            return step + 1, finite, ready(step + 1, seeds), self._dropouts.after(seeds)

        def going_on(step: Any, finite: Any, *_: Any) -> Any:
            return (step < last) & finite

        seeds = self._dropouts.seeds()
        start = (first, _tf.ones((), "bool"), ready(first, seeds), self._dropouts.after(seeds))
        step, finite, *_ = _tf.while_loop(going_on, take, start, parallel_iterations=1)
        return step, finite

    def _step(self, rows: Rows, masks: Masks) -> Any:
        with self._dropouts.given(masks):
            return self.network.train_step(rows)

    def _testing(self, rows: Rows, first: Any, last: Any, batch_size: Any, fresh: Any) -> Any:
        self._reset(fresh)

        def take(step: Any) -> tuple[Any]:
            self._test_step(_batch(rows, step, batch_size))
            return (step + 1,)

        def going_on(step: Any) -> Any:
            return step < last

        return _tf.while_loop(going_on, take, (first,), parallel_iterations=1)

    def _training_epochs(
        self, rows: Rows, validation: Rows, orders: Any, batch_size: Any, stop: Any
    ) -> tuple[Any, Any, Any]:
        yes = _tf.ones((), "bool")
        epochs, steps = _tf.shape(orders)[0], _steps(_tf.shape(orders)[1], batch_size)
        told = _tf.TensorArray("float32", size=epochs, element_shape=(len(self._names) * (2 if validation else 1),))

        def go(epoch: Any, _: Any, __: Any, told: Any) -> tuple[Any, Any, Any, Any]:
            step, finite = self._epoch(rows, orders[epoch], 0, steps, batch_size, True, stop)  # noqa: FBT003  # as a tensor
            metrics = self._results()
            if validation:
                last = _steps(_tf.shape(validation[0])[0], batch_size)
                self._testing(validation, 0, last, batch_size, True)  # noqa: FBT003
                metrics = _tf.concat([metrics, self._results()], 0)
            return epoch + 1, step, finite, told.write(epoch, metrics)

        def going_on(epoch: Any, _: Any, finite: Any, __: Any) -> Any:
            return (epoch < epochs) & finite

        with self._updating():
            done, step, finite, told = _tf.while_loop(going_on, go, (0, 0, yes, told), parallel_iterations=1)
        return step, finite, told.stack()[:done]

    def _predicting(self, x: Any, first: Any, last: Any, batch_size: Any) -> Any:
        outputs = self.network.outputs[0]
        told = _tf.TensorArray(outputs.dtype, last - first, element_shape=outputs.shape, infer_shape=False)

        def take(step: Any, told: Any) -> tuple[Any, Any]:
            (batch,) = _batch((x,), step, batch_size)
            return step + 1, told.write(step - first, self.network(batch, training=False))

        def going_on(step: Any, _: Any) -> Any:
            return step < last

        return _tf.while_loop(going_on, take, (first, told), parallel_iterations=1)[1].concat()

    def _updating(self) -> AbstractContextManager[None]:
        """Around all steps of a call."""
        return nullcontext() if self._flat_adam is None else self._flat_adam.vectors()

    def _reset(self, fresh: Any) -> None:
        def reset() -> Any:
            self.network.reset_metrics()
            return 0

        _tf.cond(fresh, reset, lambda: 0) if _tf.is_tensor(fresh) else reset()

    def _results(self) -> Any:
        return _tf.stack(list(self.network.get_metrics_result().values()))


def _traced(step: Any, *signature: Any) -> Any:
    """One of Keras's steps as a function of its own, as Keras itself makes it."""
    return _function(step, autograph=False, input_signature=signature)


def _batch(rows: Rows, step: Any, batch_size: Any) -> Rows:
    """The rows of a step, gathered, as by Keras: a slice may begin where no vector does, and sums have another order."""
    chosen = _tf.range(step * batch_size, _tf.minimum((step + 1) * batch_size, _tf.shape(rows[0])[0]))
    return tuple(_tf.gather(part, chosen) for part in rows)


def _steps(rows: Any, batch_size: Any) -> Any:
    return -(-rows // batch_size)


def _spec(dtype: Any, *shape: int) -> Any:
    return _tf.TensorSpec((None, *shape), dtype)


def _nothing(signature: Any) -> Any:
    """Arguments of no rows and no orders, from step 1 up to step 1, with no flag set."""

    def of(spec: Any) -> Any:
        return _tf.fill([0 if size is None else size for size in spec.shape], _tf.cast(1, spec.dtype))

    return _tf.nest.map_structure(lambda spec: _tf.zeros((), "bool") if spec is _FLAG else of(spec), signature)
