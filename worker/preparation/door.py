"""One job's data: read, cleaned, divided and made into numbers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from service import tables
from service.sources import FileSource, Source
from stackyard.spec import (
    ArrayData,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    JobSpec,
    TableData,
    TableDescription,
    Task,
    TrainTestSplit,
)
from worker.preparation import features, targets, weights
from worker.preparation.arrays import Array, PreparationError, check_finite
from worker.preparation.inputs import FittedArray, FittedInputs
from worker.preparation.prepared import Prepared
from worker.preparation.splits import Parts, split_rows
from worker.preparation.targets import FittedTarget


def prepare(spec: JobSpec, description: DatasetDescription, source: Source, task: Task) -> Prepared:
    """Make the arrays that a job trains on.

    Args:
        spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
        description: of the dataset.
        source: where its rows are.
        task: as the check found it.

    Raises:
        PreparationError: something that only the rows can show is in the way.

    """
    match spec.data, description, source:
        case TableData() as data, TableDescription(), _:
            return _table(spec, data, description, source, task)
        case ArrayData() as data, ArraysDescription(), FileSource():
            return _arrays(spec, data, description, source, task)
        case _:
            raise PreparationError("The dataset is not of the kind that the spec was checked against.")


def _table(spec: JobSpec, data: TableData, description: TableDescription, source: Source, task: Task) -> Prepared:
    columns = {column.name: column for column in description.columns}
    frame = _rows(data, description, source, columns)
    parts = split_rows(data.split, len(frame), spec.training.seed or 0, lambda name: frame[name])
    inputs = features.fit(data, columns, frame, parts.train)
    x = check_finite(inputs.apply(frame), "features")
    y, target = targets.of_table(frame, data.target, columns, parts.train, spec.training.loss, task)
    row_weights = None if data.sample_weight is None else frame[data.sample_weight].to_numpy(np.float32)
    return _divided(spec, (x, check_finite(y, "targets"), row_weights), parts, inputs, target)


def _rows(
    data: TableData, description: TableDescription, source: Source, columns: Mapping[str, ColumnDescription]
) -> Any:
    """The rows that are left, numbered anew, with every column that has a task."""
    used = _used(data, columns)
    # Of the others, only those whose missing values leave out a row can make a difference.
    lacking = [name for name, column in columns.items() if column.missing and data.drops(name) and name not in used]
    frame: Any = tables.read(source, description, [*used, *lacking])
    dropping = [name for name in frame if data.drops(name)]
    if dropping:
        frame = frame.dropna(subset=dropping, ignore_index=True)
    if len(frame) == 0:
        raise PreparationError("Every row lacks a value in some column, so drop_missing leaves none.")
    return frame[used]


def _used(data: TableData, columns: Mapping[str, ColumnDescription]) -> list[str]:
    inputs = [name for group in data.groups(columns) for name in group.columns]
    return list(dict.fromkeys([*inputs, *data.set_aside, *_stratifying(data)]))


def _stratifying(data: TableData | ArrayData) -> list[str]:
    named = [method.stratify for method in data.split.methods if isinstance(method, TrainTestSplit)]
    return [name for name in named if name is not None]


def _arrays(
    spec: JobSpec, data: ArrayData, description: ArraysDescription, source: FileSource, task: Task
) -> Prepared:
    described = {array.name: array for array in description.arrays}[data.y]
    stored = tables.read_arrays(source.path, _named(data))
    parts = split_rows(data.split, len(stored[data.x]), spec.training.seed or 0, lambda name: stored[name])
    rows = stored[data.x]
    inputs = FittedArray(shape=rows.shape[1:], type=str(rows.dtype), normalize=data.normalize)
    x = check_finite(inputs.apply(rows), "features")
    y, target = targets.of_array(stored[data.y], data.target, described, parts.train, spec.training.loss, task)
    row_weights = None if data.sample_weight is None else stored[data.sample_weight].astype(np.float32)
    prepared = _divided(spec, (x, check_finite(y, "targets"), row_weights), parts, inputs, target)
    if data.test is None:
        return prepared
    test_y = stored[data.test.y]
    encoded = data.target.encode is not None
    loss = spec.training.loss
    y = targets.encoded_array(test_y, described, loss) if encoded else targets.scaled_array(test_y, target, loss)
    test_x = check_finite(inputs.apply(stored[data.test.x]), "features")
    return replace(prepared, x_test=test_x, y_test=check_finite(y, "targets"))


def _named(data: ArrayData) -> list[str]:
    """The arrays that have a task."""
    test = () if data.test is None else (data.test.x, data.test.y)
    weight = () if data.sample_weight is None else (data.sample_weight,)
    return sorted({data.x, data.y, *test, *weight, *data.split.deciding_columns, *_stratifying(data)})


def _divided(
    spec: JobSpec, rows: tuple[Array, Array, Array | None], parts: Parts, inputs: FittedInputs, target: FittedTarget
) -> Prepared:
    x, y, row_weights = rows
    validation, test = parts.validation, parts.test
    y_train = y[parts.train]
    return Prepared(
        x_train=x[parts.train],
        y_train=y_train,
        inputs=inputs,
        target=target,
        x_validation=None if validation is None else x[validation],
        y_validation=None if validation is None else y[validation],
        x_test=None if test is None else x[test],
        y_test=None if test is None else y[test],
        weights=None if row_weights is None else check_finite(row_weights[parts.train], "sample weights"),
        class_weight=weights.by_class(spec.training, y_train, target),
    )
