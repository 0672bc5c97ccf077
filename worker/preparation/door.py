"""One job's data: read, cleaned, divided and made into numbers."""

from typing import Any

import numpy as np

from service import tables
from service.sources import FileSource, Source
from stackyard.spec import (
    ArrayData,
    ArrayDescription,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    JobSpec,
    TableData,
    TableDescription,
)
from worker.preparation import features, targets
from worker.preparation.normalization import normalize
from worker.preparation.prepared import Array, PreparationError, Prepared, check_finite
from worker.preparation.splits import Parts, split_rows


def prepare(spec: JobSpec, description: DatasetDescription, source: Source) -> Prepared:
    """Make the arrays that a job trains on.

    Args:
        spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
        description: of the dataset.
        source: where its rows are.

    Raises:
        PreparationError: something that only the rows can show is in the way.

    """
    match spec.data, description, source:
        case TableData() as data, TableDescription(), _:
            return _table(spec, data, description, source)
        case ArrayData() as data, ArraysDescription(), FileSource():
            return _arrays(spec, data, description, source)
        case _:
            raise PreparationError("The dataset is not of the kind that the spec was checked against.")


def _table(spec: JobSpec, data: TableData, description: TableDescription, source: Source) -> Prepared:
    columns = {column.name: column for column in description.columns}
    groups = features.groups(data, columns)
    used = [*(name for group in groups for name in group.columns), *data.target.columns]
    frame: Any = _rows(data, description, source, columns, used)
    parts = split_rows(data.split, len(frame), spec.training.seed or 0)
    x = check_finite(features.build(frame, groups, columns, parts.train), "features")
    y = targets.of_table(frame, data.target, columns, parts.train, spec.training.loss)
    return _divided(x, check_finite(y, "targets"), parts)


def _rows(
    data: TableData,
    description: TableDescription,
    source: Source,
    columns: dict[str, ColumnDescription],
    used: list[str],
) -> Any:
    """The rows that are left, numbered anew, with the columns that are used."""
    if not data.drop_missing:
        return tables.read(source, description, used)
    # Of the others, only those that lack values can make a difference.
    lacking = [name for name, column in columns.items() if column.missing and name not in used]
    frame: Any = tables.read(source, description, [*used, *lacking])
    frame = frame.dropna(ignore_index=True)
    if len(frame) == 0:
        raise PreparationError("Every row lacks a value in some column, so drop_missing leaves none.")
    return frame[used]


def _arrays(spec: JobSpec, data: ArrayData, description: ArraysDescription, source: FileSource) -> Prepared:
    described = {array.name: array for array in description.arrays}
    names = {data.x, data.y} if data.test is None else {data.x, data.y, data.test.x, data.test.y}
    stored = tables.read_arrays(source.path, sorted(names))
    parts = split_rows(data.split, len(stored[data.x]), spec.training.seed or 0)
    x, y = _pair(spec, data, stored[data.x], stored[data.y], described[data.y])
    prepared = _divided(x, y, parts)
    if data.test is None:
        return prepared
    test_x, test_y = _pair(spec, data, stored[data.test.x], stored[data.test.y], described[data.y])
    return Prepared(prepared.x_train, prepared.y_train, prepared.x_validation, prepared.y_validation, test_x, test_y)


def _pair(spec: JobSpec, data: ArrayData, x: Array, y: Array, described: ArrayDescription) -> tuple[Array, Array]:
    inputs = x.astype(np.float32) if data.normalize is None else normalize(x, data.normalize)
    outputs = targets.of_array(y, data.target, described, spec.training.loss)
    return check_finite(inputs, "features"), check_finite(outputs, "targets")


def _divided(x: Array, y: Array, parts: Parts) -> Prepared:
    validation, test = parts.validation, parts.test
    return Prepared(
        x_train=x[parts.train],
        y_train=y[parts.train],
        x_validation=None if validation is None else x[validation],
        y_validation=None if validation is None else y[validation],
        x_test=None if test is None else x[test],
        y_test=None if test is None else y[test],
    )
