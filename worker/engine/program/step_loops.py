"""What is compiled: loops around Keras's own steps. Each method is traced, so that a call of it makes a graph.

`network.train_step` and `network.test_step` are traced as Keras traces them: of a known number of rows where all
batches have as many, else of any. What a step needs and the step before it does not change, its rows and the masks of
Dropout, is made ready beside that one, on another core where one is free.
"""

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from worker.engine.optimizations.flat_adam import flatten
from worker.engine.optimizations.halves import Halves
from worker.engine.optimizations.lean_adam import lighten
from worker.engine.optimizations.masks import Dropouts, Masks, Seeds

_tf: Any = tf  # which carries no types; tensors are Any from here on

Rows = tuple[Any, ...]
"""Tensors of as many rows each: `x`, `y` and, where rows have them, weights."""


class Loops:
    """Loops over steps of a network, whose optimizer they change to be faster.

    Args:
        network: a keras.Sequential, compiled, its optimizer built.
        rows: the types and shapes of the rows to train on.
        tested: those of the rows to test by.
        batch: rows of each step of the training, or 0 where they differ.
        halves: of the network's kernels, where some are in halves.

    """

    def __init__(self, network: Any, rows: Rows, tested: Rows, batch: int, halves: Halves | None = None) -> None:
        self._network = network
        self._batch = batch
        self._halves = halves
        lighten(network.optimizer)
        self._parts = [part for part in (flatten(network), halves) if part is not None]
        self._dropouts = Dropouts(network)
        # Functions of their own, as Keras itself makes them.
        self._train_step = _traced(self._stepped, rows, self._dropouts.signature)
        self._rows_to_test_by = tested
        self._test_steps: dict[int, Any] = {}
        """By rows of each step, or 0 where they differ."""
        self._looks_behind = False
        """Whether the loss may look at what a sigmoid is given: then that has other bits, with AVX-512."""
        self.metrics: list[str] = []

    def trace(self) -> None:
        """Trace a step, at which Keras makes the variables of metrics, and learn their names."""
        self._train_step.get_concrete_function()
        self.metrics = list(self._network.get_metrics_result())

    def take_over(self) -> None:
        """Before steps are taken: what they go on from is in the network's variables, and its optimizer's."""
        for part in self._parts:
            part.take_over()

    def hand_back(self) -> None:
        """After steps: put into the network's variables, and its optimizer's, what steps have made of it elsewhere."""
        for part in self._parts:
            part.hand_back()

    def make_whole(self) -> None:
        """Do so with the network's weights alone, after which it can be tested."""
        if self._halves is not None:
            self._halves.make_whole()

    @property
    def metrics_are_means(self) -> bool:
        """Whether all metrics are means: within a graph these have the bits that Keras reads outside of it."""
        flat = [one for metric in self._network.metrics for one in getattr(metric, "metrics", [metric])]
        return all(isinstance(metric, keras.metrics.Mean) for metric in flat)

    def train(self, rows: Rows, order: Any, first: Any, last: Any, batch_size: Any, stop: Any) -> tuple[Any, Any, Any]:
        """Take the steps of an epoch from `first` up to `last`.

        Args:
            rows: to train on.
            order: of the epoch's rows.
            first: the first step, a scalar, as all that follow.
            last: the step to stop before.
            batch_size: rows a step.
            stop: whether to stop after a step that leaves the mean loss not finite.

        Returns:
            The first step that was not taken, whether the mean loss is finite or `stop` is not set, and the metrics
            over the epoch so far, if they are means, else nothing; float32 of shape (metrics,) or (0,).

        """
        step, finite = self._epoch(rows, order, first, last, batch_size, stop)
        return step, finite, self._results()

    def train_epochs(
        self, rows: Rows, validation: Rows, orders: Any, batch_size: Any, stop: Any, *, batch: int
    ) -> tuple[Any, Any, Any]:
        """Train for whole epochs, each followed by its validation, if there is any; all metrics must be means.

        `batch` is of the validation.

        Returns:
            What `train` does of the last epoch, but each epoch's metrics, those of the validation last; float32 of
            shape (epochs, metrics).

        """
        yes = _tf.ones((), "bool")
        epochs, steps = _tf.shape(orders)[0], _steps(_tf.shape(orders)[1], batch_size)
        told = _tf.TensorArray("float32", size=epochs, element_shape=(len(self.metrics) * (2 if validation else 1),))

        def take(epoch: Any, _: Any, __: Any, told: Any) -> tuple[Any, Any, Any, Any]:
            self._network.reset_metrics()
            step, finite = self._epoch(rows, orders[epoch], 0, steps, batch_size, stop)
            metrics = self._results()
            if validation:
                self.make_whole()
                last = _steps(_tf.shape(validation[0])[0], batch_size)
                self._network.reset_metrics()
                tested = self.test(validation, 0, last, batch_size, batch=batch)
                metrics = _tf.concat([metrics, tested], 0)
            return epoch + 1, step, finite, told.write(epoch, metrics)

        def going_on(epoch: Any, _: Any, finite: Any, __: Any) -> Any:
            return (epoch < epochs) & finite

        done, step, finite, told = _tf.while_loop(going_on, take, (0, 0, yes, told), parallel_iterations=1)
        return step, finite, told.stack()[:done]

    def test(self, rows: Rows, first: Any, last: Any, batch_size: Any, *, batch: int) -> Any:
        """Take the steps of a test from `first` up to `last`, and return the metrics as `train` does."""
        test_step = self._test_step(batch)

        def take(step: Any) -> tuple[Any]:
            test_step(_batch(rows, step, batch_size))
            return (step + 1,)

        def going_on(step: Any) -> Any:
            return step < last

        _tf.while_loop(going_on, take, (first,), parallel_iterations=1)
        return self._results()

    def evaluate(
        self, rows: Rows, first: Any, last: Any, batch_size: Any, kept: Any, *, batch: int
    ) -> tuple[Any, Any]:
        """Do what `test` does, and return the network's outputs, too, or where `kept` is not set none of them."""
        test_step = self._test_step(batch)
        test_step.get_concrete_function()  # here or a few lines below
        if self._looks_behind:
            tested = self.test(rows, first, last, batch_size, batch=batch)
            return tested, self._predictions(rows, first, last, batch_size, kept, batch)
        told = self._outputs(last - first)

        def take(step: Any, told: Any) -> tuple[Any, Any]:
            made = test_step(_batch(rows, step, batch_size))
            return step + 1, told.write(step - first, made[: _tf.shape(made)[0] * _tf.cast(kept, "int32")])

        def going_on(step: Any, _: Any) -> Any:
            return step < last

        _, told = _tf.while_loop(going_on, take, (first, told), parallel_iterations=1)
        return self._results(), told.concat()

    def _predictions(self, rows: Rows, first: Any, last: Any, batch_size: Any, kept: Any, batch: int) -> Any:
        """Return what `evaluate` does, computed once more: what a loss looks at, too, is not joined to a product."""
        count = (last - first) * _tf.cast(kept, "int32")
        told = self._outputs(count)

        def take(step: Any, told: Any) -> tuple[Any, Any]:
            made = self._network(*_of_known_size(_batch(rows[:1], step, batch_size), batch), training=False)
            return step + 1, told.write(step - first, made)

        def going_on(step: Any, _: Any) -> Any:
            return step < first + count

        _, told = _tf.while_loop(going_on, take, (first, told), parallel_iterations=1)
        return told.concat()

    def _outputs(self, steps: Any) -> Any:
        outputs = self._network.outputs[0]
        return _tf.TensorArray(outputs.dtype, steps, element_shape=outputs.shape, infer_shape=False)

    def _epoch(self, rows: Rows, order: Any, first: Any, last: Any, batch_size: Any, stop: Any) -> tuple[Any, Any]:
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

    def _stepped(self, rows: Rows, masks: Masks) -> Any:
        with self._dropouts.given(_of_known_size(masks, self._batch)):
            return self._network.train_step(_of_known_size(rows, self._batch))

    def _test_step(self, batch: int) -> Any:
        if batch not in self._test_steps:
            self._test_steps[batch] = _traced(partial(self._tested, batch), self._rows_to_test_by)
        return self._test_steps[batch]

    def _tested(self, batch: int, rows: Rows) -> Any:
        """Take Keras's own step, and return the outputs that it comes to on its way."""
        made: list[Any] = []
        compute = self._network.compute_metrics

        def listening(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            made.append(y_pred)
            return compute(x, y, y_pred, sample_weight)

        self._network.compute_metrics = listening
        try:
            self._network.test_step(_of_known_size(rows, batch))
        finally:
            del self._network.compute_metrics
        self._looks_behind = made[0].op.type == "Sigmoid"
        return made[0]

    def _results(self) -> Any:
        return _tf.stack(list(self._network.get_metrics_result().values())) if self.metrics_are_means else _tf.zeros(0)


def _traced(step: Any, *signature: Any) -> Any:
    return _tf.function(step, autograph=False, input_signature=signature)


def _of_known_size(rows: Rows, batch: int) -> Rows:
    """The same tensors, of which TensorFlow knows that they have as many rows; 0 leaves that open.

    Within a step, for the next one's rows, which are made ready beside the last one, are none.
    """
    return tuple(_tf.ensure_shape(part, (batch, *part.shape[1:])) for part in rows) if batch else rows


def _batch(rows: Rows, step: Any, batch_size: Any) -> Rows:
    """The rows of a step, gathered, as by Keras: a slice may begin where no vector does, and a sum be another."""
    chosen = _tf.range(step * batch_size, _tf.minimum((step + 1) * batch_size, _tf.shape(rows[0])[0]))
    return tuple(_tf.gather(part, chosen) for part in rows)


def _steps(rows: Any, batch_size: Any) -> Any:
    return -(-rows // batch_size)
