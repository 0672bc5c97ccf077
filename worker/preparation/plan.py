"""How a job's rows are made: what was fitted, and for each part which rows it has and what makes them.

Nothing in here says where rows lie, or where those that are made go to. So it is the same for all of them, to the bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    TrainTestSplit,
)
from worker.preparation.arrays import Array, blocks, check_finite
from worker.preparation.mapped_rows import chosen
from worker.preparation.splits import split_rows
from worker.preparation.transforms import features, normalization, targets
from worker.preparation.transforms.array_inputs import FittedArray, FittedInputs
from worker.preparation.transforms.targets import FittedTarget

Make = Callable[[Array], Array]
"""Makes the rows at some positions, in their order; raises PreparationError where they cannot be made."""


@dataclass(frozen=True)
class Part:
    """The rows of a part by their positions, in its order, and what makes any of them."""

    positions: Array
    x: Make
    y: Make


@dataclass(frozen=True)
class Plan:
    """All parts of a job; `weights` are the training rows'."""

    inputs: FittedInputs
    target: FittedTarget
    train: Part
    validation: Part | None
    test: Part | None
    weights: Make | None


class Table(Protocol):
    """The rows of a table that are left, numbered anew, with the columns that have a task."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def column(self, name: str) -> Any:
        """A column of all rows, as a Series."""
        ...

    def frame(self, names: Sequence[str], positions: Array) -> Any:
        """Some columns of some rows, in these orders, as a DataFrame."""
        ...

    def columns(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        """The same, as DataFrames of as many columns each as there is room for; see `Columns`."""
        ...


def used_columns(data: TableData, description: TableDescription) -> list[str]:
    """The columns of a table that have a task."""
    names = [column.name for column in description.columns]
    inputs = [name for group in data.groups(names) for name in group.columns]
    return list(dict.fromkeys([*inputs, *data.set_aside, *_stratifying(data)]))


def used_arrays(data: ArrayData) -> list[str]:
    """The arrays that have a task."""
    test = () if data.test is None else (data.test.x, data.test.y)
    weight = () if data.sample_weight is None else (data.sample_weight,)
    return sorted({data.x, data.y, *test, *weight, *data.split.deciding_columns, *_stratifying(data)})


def _stratifying(data: TableData | ArrayData) -> list[str]:
    named = [method.stratify for method in data.split.methods if isinstance(method, TrainTestSplit)]
    return [name for name in named if name is not None]


def plan_table(
    spec: JobSpec,
    data: TableData,
    description: TableDescription,
    table: Table,
    task: Task,
    check: Callable[[], None],
) -> Plan:
    """Divide a table's rows, and fit what is to be fitted on the training rows.

    Args:
        spec: of the job.
        data: its section of that name.
        description: of the dataset.
        table: its rows.
        task: as `stackyard.spec.check` found it.
        check: called between any two steps; what it raises passes through.

    Raises:
        PreparationError: something that only the rows can show is in the way.

    """
    described = {column.name: column for column in description.columns}
    parts = split_rows(data.split, table.count, spec.training.seed or 0, table.column)
    check()

    def training_rows(names: Sequence[str]) -> Iterator[Any]:
        for frame in table.columns(names, parts.train):
            check()
            yield frame

    inputs = features.fit(data, described, training_rows)
    target = targets.fit_table(training_rows, data.target, described, spec.training.loss, task)
    names = [column.name for column in inputs.columns]
    weight = data.sample_weight

    def x(positions: Array) -> Array:
        return inputs.apply(table.frame(names, positions))

    def y(positions: Array) -> Array:
        frame = table.frame(data.target.columns, positions)
        return targets.of_table(frame, data.target, described, target, spec.training.loss)

    def weights(positions: Array) -> Array:
        assert weight is not None  # noqa: S101 or else nobody calls it
        return table.frame([weight], positions)[weight].to_numpy(np.float32)

    def part(positions: Array | None) -> Part | None:
        return None if positions is None else _part(positions, x, y)

    return Plan(
        inputs=inputs,
        target=target,
        train=_part(parts.train, x, y),
        validation=part(parts.validation),
        test=part(parts.test),
        weights=None if weight is None else _finite(weights, "sample weights"),
    )


def plan_arrays(
    spec: JobSpec,
    data: ArrayData,
    description: ArraysDescription,
    stored: Mapping[str, Array],
    task: Task,
    check: Callable[[], None],
    most_cells: int | None = None,
) -> Plan:
    """Divide the rows of arrays, and fit what is to be fitted on the training rows.

    Args:
        spec: of the job.
        data: its section of that name.
        description: of the dataset.
        stored: its arrays that have a task, in memory or mapped into it.
        task: as `stackyard.spec.check` found it.
        check: called between any two steps; what it raises passes through.
        most_cells: numbers of the target that are looked at at a time, or three columns; all by default.

    Raises:
        PreparationError: something that only the rows can show is in the way.

    """
    described = {array.name: array for array in description.arrays}[data.y]
    rows = stored[data.x]
    parts = split_rows(data.split, len(rows), spec.training.seed or 0, lambda name: stored[name])
    check()
    inputs = FittedArray(shape=rows.shape[1:], type=str(rows.dtype), normalize=data.normalize)

    def training_rows() -> Iterator[Array]:
        values = stored[data.y]
        width = values[0].size
        for block in blocks(width, width if most_cells is None else most_cells // len(parts.train)):
            check()
            yield _flat(values, range(width)[block])[parts.train]

    target = targets.fit_array(training_rows, data.target, described, spec.training.loss, task)
    x, y = _inputs(rows, inputs, check), _targets(spec, data, stored[data.y], described, target)
    test = None if parts.test is None else _part(parts.test, x, y)
    if data.test is not None:
        test_x = _inputs(stored[data.test.x], inputs, check)
        test_y = _targets(spec, data, stored[data.test.y], described, target)
        test = _part(np.arange(len(stored[data.test.x])), test_x, test_y)
    weight = None if data.sample_weight is None else stored[data.sample_weight]
    return Plan(
        inputs=inputs,
        target=target,
        train=_part(parts.train, x, y),
        validation=None if parts.validation is None else _part(parts.validation, x, y),
        test=test,
        weights=None if weight is None else _finite(lambda some: weight[some].astype(np.float32), "sample weights"),
    )


def _inputs(rows: Array, inputs: FittedArray, check: Callable[[], None]) -> Make:
    how = inputs.normalize
    if how is None or not normalization.crosses_rows(rows, how):
        return lambda positions: inputs.apply(_taken(rows, positions))
    divisors = normalization.over_rows(rows, how, check)
    return lambda positions: (chosen(rows, positions) / divisors[positions]).astype(np.float32)


def _taken(rows: Array, positions: Array) -> Array:
    """Some rows, laid out as all of them are, for NumPy adds them up in the order in which they lie."""
    taken = chosen(rows, positions)
    return taken if rows.flags.c_contiguous else np.asfortranarray(taken)


def _flat(values: Array, places: range) -> Array:
    """Some of each row's numbers, as if a row had but one axis; of shape (rows, places)."""
    if values.flags.c_contiguous:
        return values.reshape(len(values), -1)[:, places.start : places.stop]
    axes = values.shape[1:]
    return np.stack([values[(slice(None), *np.unravel_index(place, axes))] for place in places], axis=1)


def _targets(spec: JobSpec, data: ArrayData, values: Array, described: ArrayDescription, target: FittedTarget) -> Make:
    return lambda some: targets.of_array(values[some], data.target, described, target, spec.training.loss)


def _part(positions: Array, x: Make, y: Make) -> Part:
    return Part(positions, _finite(_among_others(x), "features"), _finite(y, "targets"))


def _finite(make: Make, what: str) -> Make:
    return lambda positions: check_finite(make(positions), what)


def _among_others(make: Make) -> Make:
    """Make a row that is alone beside itself: NumPy may add up the numbers of a single one in another order."""
    return lambda positions: make(np.repeat(positions, 2))[:1] if len(positions) == 1 else make(positions)
