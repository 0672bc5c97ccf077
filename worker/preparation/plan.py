"""Plan how a job's rows are built: fit the transforms, and split the rows into subsets.

A plan does not depend on where rows are read from or where built rows are stored, so results are always bit-identical.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from stackyard.spec import (
    ArrayData,
    ArrayDescription,
    ArraysDescription,
    JobSpec,
    TableData,
    TableDescription,
    Task,
)
from stackyard.spec.data.used_columns import list_stratified
from worker.preparation.arrays import Array, check_finite, split_into_blocks
from worker.preparation.mapped_rows import select_rows
from worker.preparation.splits import split_rows
from worker.preparation.transforms import features, normalization, targets
from worker.preparation.transforms.array_inputs import FittedArray, FittedInputs
from worker.preparation.transforms.targets import FittedTarget

BuildRows = Callable[[Array], Array]
"""Builds the rows at some positions, in their order; raises PreparationError if a row cannot be built."""


@dataclass(frozen=True)
class Subset:
    """A subset: the positions of its rows, in its order, and functions that build any of them."""

    positions: Array
    build_x: BuildRows
    build_y: BuildRows


@dataclass(frozen=True)
class PreparationPlan:
    """All subsets of a job; `build_weights` builds the training rows' weights."""

    inputs: FittedInputs
    target: FittedTarget
    train: Subset
    validation: Subset | None
    test: Subset | None
    build_weights: BuildRows | None


class TableRows(Protocol):
    """The used columns of a table, without dropped rows; positions count the remaining rows."""

    @property
    def row_count(self) -> int:
        """Number of rows."""
        ...

    def read_column(self, name: str) -> Any:
        """Return a column with all rows, as a Series."""
        ...

    def read_frame(self, names: Sequence[str], positions: Array) -> Any:
        """Return these columns of the rows at these positions, in the given orders, as a DataFrame."""
        ...

    def iterate_frames(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        """Yield the same data as DataFrames of as many columns as fit into memory; see `ColumnReader`."""
        ...


def list_used_arrays(data: ArrayData) -> list[str]:
    """Return the arrays that the spec uses."""
    test = () if data.test is None else (data.test.x, data.test.y)
    weight = () if data.sample_weight is None else (data.sample_weight,)
    return sorted({data.x, data.y, *test, *weight, *data.split.split_columns, *list_stratified(data)})


def plan_table(
    spec: JobSpec,
    data: TableData,
    description: TableDescription,
    table: TableRows,
    task: Task,
    check: Callable[[], None],
    test_table: TableRows | None = None,
) -> PreparationPlan:
    """Split a table's rows, and fit the transforms on the training rows.

    Args:
        spec: of the job.
        data: the spec's `data` section.
        description: of the dataset.
        table: its rows.
        task: as returned by `stackyard.spec.check`.
        check: called between steps; exceptions that it raises are passed on.
        test_table: the rows of the spec's `test_dataset`; None without one.

    Raises:
        PreparationError: the rows do not permit what the spec asks for.

    """
    columns = {column.name: column for column in description.columns}
    indices = split_rows(data.split, table.row_count, spec.training.seed or 0, table.read_column)
    check()

    def read_training_rows(names: Sequence[str]) -> Iterator[Any]:
        for frame in table.iterate_frames(names, indices.train):
            check()
            yield frame

    inputs = features.fit_features(data, columns, read_training_rows, description.csv)
    target = targets.fit_table_target(read_training_rows, data.target, columns, spec.training.loss, task)
    names = [column.name for column in inputs.columns]
    weight_column = data.sample_weight

    def build_pair(table: TableRows, positions: Array) -> Subset:
        def build_y(positions: Array) -> Array:
            frame = table.read_frame(data.target.columns, positions)
            return targets.build_table_targets(frame, data.target, columns, target, spec.training.loss)

        return _build_subset(positions, lambda positions: inputs.apply(table.read_frame(names, positions)), build_y)

    def build_weights(positions: Array) -> Array:
        assert weight_column is not None  # noqa: S101 otherwise this function is not used
        return table.read_frame([weight_column], positions)[weight_column].to_numpy(np.float32)

    test = None if indices.test is None else build_pair(table, indices.test)
    if test_table is not None:
        test = build_pair(test_table, np.arange(test_table.row_count))
    return PreparationPlan(
        inputs=inputs,
        target=target,
        train=build_pair(table, indices.train),
        validation=None if indices.validation is None else build_pair(table, indices.validation),
        test=test,
        build_weights=None if weight_column is None else _require_finite(build_weights, "sample weights"),
    )


def plan_arrays(
    spec: JobSpec,
    data: ArrayData,
    description: ArraysDescription,
    arrays: Mapping[str, Array],
    task: Task,
    check: Callable[[], None],
    max_cells: int | None = None,
) -> PreparationPlan:
    """Split the rows of arrays, and fit the target's transform on the training rows.

    Args:
        spec: of the job.
        data: the spec's `data` section.
        description: of the dataset.
        arrays: the arrays that the spec uses, in memory or mapped.
        task: as returned by `stackyard.spec.check`.
        check: called between steps; exceptions that it raises are passed on.
        max_cells: maximum number of target values that are fitted at a time, but at least three columns; all by
            default.

    Raises:
        PreparationError: the rows do not permit what the spec asks for.

    """
    target_description = {array.name: array for array in description.arrays}[data.y]
    rows = arrays[data.x]
    indices = split_rows(data.split, len(rows), spec.training.seed or 0, lambda name: arrays[name])
    check()
    inputs = FittedArray(shape=rows.shape[1:], type=str(rows.dtype), normalize=data.normalize)

    def read_training_targets() -> Iterator[Array]:
        values = arrays[data.y]
        width = values[0].size
        for block in split_into_blocks(width, width if max_cells is None else max_cells // len(indices.train)):
            check()
            yield _select_flat_columns(values, range(width)[block])[indices.train]

    target = targets.fit_array_target(read_training_targets, data.target, target_description, spec.training.loss, task)

    def plan_pair(positions: Array, x: str, y: str) -> Subset:
        build_x = _build_input_builder(arrays[x], inputs, check)
        build_y = _build_target_builder(spec, data, arrays[y], target_description, target)
        return _build_subset(positions, build_x, build_y)

    train = plan_pair(indices.train, data.x, data.y)
    test = None if indices.test is None else replace(train, positions=indices.test)
    if data.test is not None:
        test = plan_pair(np.arange(len(arrays[data.test.x])), data.test.x, data.test.y)
    weight = None if data.sample_weight is None else arrays[data.sample_weight]
    return PreparationPlan(
        inputs=inputs,
        target=target,
        train=train,
        validation=None if indices.validation is None else replace(train, positions=indices.validation),
        test=test,
        build_weights=None
        if weight is None
        else _require_finite(lambda positions: weight[positions].astype(np.float32), "sample weights"),
    )


def _build_input_builder(rows: Array, inputs: FittedArray, check: Callable[[], None]) -> BuildRows:
    options = inputs.normalize
    if options is None or not normalization.is_across_rows(rows, options):
        return lambda positions: inputs.apply(_select_in_same_layout(rows, positions))
    divisors = normalization.compute_divisors(rows, options, check)
    return lambda positions: (select_rows(rows, positions) / divisors[positions]).astype(np.float32)


def _select_in_same_layout(rows: Array, positions: Array) -> Array:
    """Return rows in the memory layout of the whole array: NumPy sums numbers in the order of their layout."""
    selected = select_rows(rows, positions)
    return selected if rows.flags.c_contiguous else np.asfortranarray(selected)


def _select_flat_columns(values: Array, columns: range) -> Array:
    """Return some numbers of each row, indexed as if each row were flat; shape (rows, columns)."""
    if values.flags.c_contiguous:
        return values.reshape(len(values), -1)[:, columns.start : columns.stop]
    row_shape = values.shape[1:]
    return np.stack([values[(slice(None), *np.unravel_index(column, row_shape))] for column in columns], axis=1)


def _build_target_builder(
    spec: JobSpec, data: ArrayData, values: Array, description: ArrayDescription, target: FittedTarget
) -> BuildRows:
    return lambda positions: targets.build_array_targets(
        values[positions], data.target, description, target, spec.training.loss
    )


def _build_subset(positions: Array, build_x: BuildRows, build_y: BuildRows) -> Subset:
    return Subset(
        positions, _require_finite(_pad_single_row(build_x), "features"), _require_finite(build_y, "targets")
    )


def _require_finite(build: BuildRows, name: str) -> BuildRows:
    return lambda positions: check_finite(build(positions), name)


def _pad_single_row(build: BuildRows) -> BuildRows:
    """Build a single row together with a copy of itself: NumPy may sum a single row in another order."""
    return lambda positions: build(np.repeat(positions, 2))[:1] if len(positions) == 1 else build(positions)
