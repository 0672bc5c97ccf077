"""Rows for compiled calls: in memory, or read in slices from memory-mapped files."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np

from worker.engine.backend.program_interface import WrappedRows
from worker.engine.backend.selection import load_backend
from worker.engine.program.call_size import CallSizer
from worker.preparation import PreparedData
from worker.preparation.arrays import Array
from worker.preparation.mapped_rows import read_rows

_MAX_SLICE_BYTES = 64 * 2**20
"""Maximum size of a slice of mapped rows; two slices are in memory at a time."""


class RowSlice(NamedTuple):
    """The arguments of one call: rows, their order, and the steps over them."""

    rows: WrappedRows
    order: Array
    steps: range
    step_offset: int
    """Number of the epoch's steps before the first of `rows`."""

    @property
    def first_step(self) -> int:
        """The first step of the call, counted in the epoch."""
        return self.step_offset + self.steps.start


class Rows(ABC):
    """Rows for training, validation or evaluation.

    Args:
        arrays: `x`, `y` and optionally sample weights, with equal numbers of rows.

    """

    def __init__(self, *arrays: Array) -> None:
        self._arrays = arrays
        self.count = len(arrays[0])

    def select_rows(self, indices: Array) -> tuple[Array, ...]:
        """Return the rows at these indices, from each array.

        Raises:
            OSError: rows in files cannot be read.

        """
        return tuple(read_rows(array, indices) for array in self._arrays)

    @abstractmethod
    def iterate_slices(
        self, order: Array, batch_size: int, call_sizer: CallSizer, first_step: int = 0
    ) -> Iterator[RowSlice]:
        """Divide an epoch into calls, of as many steps as `call_sizer` says before each call.

        Args:
            order: indices of the epoch's rows in their order; int32, as long as the epoch.
            batch_size: number of rows in a step.
            call_sizer: chooses the number of steps in a call.
            first_step: the first step of the epoch to take; if the epoch has fewer steps, there is no call.

        """


class InMemoryRows(Rows):
    """Rows in memory."""

    def __init__(self, *arrays: Array) -> None:
        super().__init__(*arrays)
        self.wrapped_rows: WrappedRows = load_backend().wrap_rows(arrays)

    def iterate_slices(
        self, order: Array, batch_size: int, call_sizer: CallSizer, first_step: int = 0
    ) -> Iterator[RowSlice]:
        """Divide an epoch's steps; every slice has all rows."""
        for steps in _iterate_calls(range(first_step, count_steps(len(order), batch_size)), call_sizer, self.count):
            yield RowSlice(self.wrapped_rows, order, steps, 0)


class FileRows(Rows):
    """Rows in files: while one slice is used, the next one is read."""

    def iterate_slices(
        self, order: Array, batch_size: int, call_sizer: CallSizer, first_step: int = 0
    ) -> Iterator[RowSlice]:
        """Divide an epoch's steps; every slice has the rows of its steps."""
        max_steps = max(1, _MAX_SLICE_BYTES // (batch_size * sum(array[:1].nbytes for array in self._arrays)))
        calls = _iterate_calls(range(first_step, count_steps(len(order), batch_size)), call_sizer, max_steps)
        capacity = batch_size * min(max_steps, count_steps(len(order), batch_size))

        def read_slice(steps: range) -> RowSlice:
            indices = order[steps.start * batch_size : steps.stop * batch_size]
            rows = load_backend().wrap_rows(self.select_rows(indices), capacity)
            return RowSlice(rows, np.arange(len(indices), dtype=np.int32), range(len(steps)), steps.start)

        with ThreadPoolExecutor(1) as reader:
            pending = [reader.submit(read_slice, steps) for steps in islice(calls, 1)]
            while pending:
                ready = pending.pop().result()
                pending = [reader.submit(read_slice, steps) for steps in islice(calls, 1)]
                yield ready


def build_training_rows(data: PreparedData) -> Rows:
    """Return the training rows, with their weights if there are any."""
    weights = data.weights if data.class_weight is None else _compute_row_weights(data.y_train, data.class_weight)
    return build_rows(data.x_train, data.y_train, *([] if weights is None else [weights]))


def build_validation_rows(data: PreparedData) -> Rows | None:
    """Return the validation rows, if there are any."""
    if data.x_validation is None or data.y_validation is None:
        return None
    return build_rows(data.x_validation, data.y_validation)


def build_rows(*arrays: Array) -> Rows:
    """Return rows that stay where the arrays are: in memory, or in files."""
    return FileRows(*arrays) if isinstance(arrays[0], np.memmap) else InMemoryRows(*arrays)


def count_steps(count: int, batch_size: int) -> int:
    """Return the number of steps over `count` rows."""
    return -(-count // batch_size)


def get_fixed_batch_size(count: int, batch_size: int) -> int:
    """Return the number of rows of every step over `count` rows, or 0 if the steps differ.

    If all steps are equal, Keras's dataset declares their size, and the graph of `fit` depends on it: TensorFlow turns
    a mean over a known number of rows into a product, whose bits may differ from those of the quotient.
    """
    return 0 if count % batch_size else batch_size


def _compute_row_weights(y: Array, class_weight: Mapping[int, float]) -> Array:
    """Return each row's weight by its class, float32 of shape (rows,), as Keras computes it from class_weight."""
    labels = y if y.ndim == 1 else y[:, 0] if y.shape[-1] == 1 else y.argmax(axis=-1)
    classes, indices = np.unique(np.round(labels).astype(np.int32), return_inverse=True)
    return np.asarray([class_weight.get(int(label), 1.0) for label in classes], dtype=np.float32)[indices]


def _iterate_calls(steps: range, pace: CallSizer, max_steps: int) -> Iterator[range]:
    first = steps.start
    while first < steps.stop:
        last = min(first + min(pace.steps, max_steps), steps.stop)
        yield range(first, last)
        first = last
