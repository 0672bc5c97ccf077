"""Rows as compiled calls take them: in tensors, or slice by slice from where they are mapped into memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from tensorflow.python.eager import context
from tensorflow.python.framework import ops

from worker.engine.program.call_size import Pace
from worker.engine.program.step_loops import Rows as Tensors
from worker.preparation import Prepared
from worker.preparation.arrays import Array
from worker.preparation.mapped_rows import read

# Without types and a public name.
_context: Any = context
_ops: Any = ops
_MOST_BYTES = 64 * 2**20
"""Of mapped rows, what a slice may take; two are in memory at a time."""


class Slice(NamedTuple):
    """What one call is to take: steps of rows, in an order of these rows."""

    rows: Tensors
    order: Array
    steps: range
    before: int
    """How many steps of the epoch lie before the first of `rows`."""

    @property
    def first(self) -> int:
        """The first step of the epoch that it takes."""
        return self.before + self.steps.start


class Rows(ABC):
    """Rows of one kind: to train on, to validate by, to test by.

    Args:
        arrays: of as many rows each: `x`, `y` and, where there are any, weights.

    """

    def __init__(self, *arrays: Array) -> None:
        self._arrays = arrays
        self.count = len(arrays[0])

    def chosen(self, places: Array) -> tuple[Array, ...]:
        """Return some rows, of each array.

        Raises:
            OSError: those in files cannot be read.

        """
        return tuple(read(array, places) for array in self._arrays)

    @abstractmethod
    def slices(self, order: Array, batch_size: int, pace: Pace, first: int = 0) -> Iterator[Slice]:
        """Divide an epoch into calls; the pace is asked before each.

        Args:
            order: which row is the epoch's first, second and so on; int32, as long as the epoch.
            batch_size: rows a step.
            pace: says how many steps a call takes.
            first: the epoch's first step that is to be taken; none where there are not as many.

        """


class Held(Rows):
    """Rows in tensors."""

    def __init__(self, *arrays: Array) -> None:
        super().__init__(*arrays)
        self.tensors = tuple(_shared(array) for array in arrays)

    def slices(self, order: Array, batch_size: int, pace: Pace, first: int = 0) -> Iterator[Slice]:
        """Divide an epoch's steps."""
        for steps in _calls(range(first, steps_of(len(order), batch_size)), pace, self.count):
            yield Slice(self.tensors, order, steps, 0)


class Mapped(Rows):
    """Rows in files: while one slice is trained on, the next is read."""

    def slices(self, order: Array, batch_size: int, pace: Pace, first: int = 0) -> Iterator[Slice]:
        """Divide an epoch's rows, too."""
        most = max(1, _MOST_BYTES // (batch_size * sum(array[:1].nbytes for array in self._arrays)))
        calls = _calls(range(first, steps_of(len(order), batch_size)), pace, most)
        with ThreadPoolExecutor(1) as reader:
            reading = [reader.submit(self._read, order, steps, batch_size) for steps in _one(calls)]
            while reading:
                ready = reading.pop().result()
                reading = [reader.submit(self._read, order, steps, batch_size) for steps in _one(calls)]
                yield ready

    def _read(self, order: Array, steps: range, batch_size: int) -> Slice:
        chosen = order[steps.start * batch_size : steps.stop * batch_size]
        rows = tuple(_shared(array) for array in self.chosen(chosen))
        return Slice(rows, np.arange(len(chosen), dtype=np.int32), range(len(steps)), steps.start)


def training_rows(data: Prepared) -> Rows:
    """Return the rows to train on, with their weights."""
    weights = data.weights if data.class_weight is None else _of_classes(data.y_train, data.class_weight)
    return rows(data.x_train, data.y_train, *([] if weights is None else [weights]))


def validation_rows(data: Prepared) -> Rows | None:
    """Return the rows to validate by, if there are any."""
    if data.x_validation is None or data.y_validation is None:
        return None
    return rows(data.x_validation, data.y_validation)


def rows(*arrays: Array) -> Rows:
    """Return rows as they are best kept: in memory if that is where they are."""
    return Mapped(*arrays) if isinstance(arrays[0], np.memmap) else Held(*arrays)


def steps_of(count: int, batch_size: int) -> int:
    """Return how many steps so many rows make."""
    return -(-count // batch_size)


def batch_of(count: int, batch_size: int) -> int:
    """Return how many rows each step has, or 0 where they differ.

    Where all have as many, Keras's dataset says so, and what `fit` traces depends on it: a mean over a known number of
    rows has a factor that TensorFlow turns into another one, whose product may have other bits than the quotient.
    """
    return 0 if count % batch_size else batch_size


def rows_of_steps(count: int, batch_size: int) -> set[int]:
    """Return how many rows the steps over so many rows have."""
    return {min(count, batch_size), count % batch_size} - {0}


def _shared(array: Array) -> Any:
    """Return an array as a tensor in the same memory, where that lies as TensorFlow wants it; nobody may change it."""
    running = _context.context()
    running.ensure_initialized()
    return _ops.EagerTensor(array, running.device_name, None)  # convert_to_tensor is this with a copy


def _of_classes(y: Array, weights: Mapping[int, float]) -> Array:
    """Each row's weight by its class, float32 of shape (rows,), as Keras makes it of `fit`'s class_weight."""
    labels = y if y.ndim == 1 else y[:, 0] if y.shape[-1] == 1 else y.argmax(axis=-1)
    classes, places = np.unique(np.round(labels).astype(np.int32), return_inverse=True)
    return np.asarray([weights.get(int(one), 1.0) for one in classes], dtype=np.float32)[places]


def _calls(steps: range, pace: Pace, most: int) -> Iterator[range]:
    first = steps.start
    while first < steps.stop:
        last = min(first + min(pace.steps, most), steps.stop)
        yield range(first, last)
        first = last


def _one(calls: Iterator[range]) -> list[range]:
    """The next call, if there is one."""
    return list(islice(calls, 1))
