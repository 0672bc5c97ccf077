"""Upper estimates of the size of a job's rows, computed from the dataset's description alone."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stackyard.spec import (
    ArrayData,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    JobSpec,
    TableData,
    TableDescription,
)
from stackyard.spec.data.used_columns import list_test_columns, list_used_columns
from worker.preparation.plan import list_used_arrays

_FLOAT32_BYTES = 4
_NUMBER_BYTES = 8
_TEXT_BYTES = 64
"""Size of a text in pandas, if the description is of an earlier release and does not have its size."""
_TEXT_OFFSET_BYTES = 8
"""Of a text in pandas, in addition to its characters: where it begins."""


class SizeEstimate(NamedTuple):
    """Maximum sizes in bytes, on the assumption that no row is dropped."""

    raw_bytes: int
    """Of the rows as they are read, before any transform."""
    prepared_bytes: int
    """Of the prepared arrays."""
    spooled_bytes: int
    """Of the temporary files that give random access to the rows as they are read."""


def estimate_sizes(
    spec: JobSpec, description: DatasetDescription, test_description: DatasetDescription | None = None
) -> SizeEstimate:
    """Estimate the size of a job's rows, read and prepared; all zero if spec and dataset are of different kinds.

    Args:
        spec: of the job.
        description: of its dataset.
        test_description: of its `test_dataset`; None without one.

    """
    match spec.data, description:
        case TableData() as data, TableDescription():
            test = test_description if isinstance(test_description, TableDescription) else None
            return _estimate_table(data, description, test)
        case ArrayData() as data, ArraysDescription():
            return _estimate_arrays(data, description)
        case _:
            return SizeEstimate(0, 0, 0)


def _estimate_table(data: TableData, description: TableDescription, test: TableDescription | None) -> SizeEstimate:
    columns = {column.name: column for column in description.columns}
    names = list_used_columns(data, description)
    input_count = sum(
        len(data.list_categories(group, columns[name]) or ()) if group.transform == "one_hot" else 1
        for group in data.list_feature_groups(columns)
        for name in group.columns
    )
    target_column = columns[data.target.columns[0]]
    target_size = _estimate_target(data.target.encode, target_column.categories, len(data.target.columns))
    weight_size = 0 if data.sample_weight is None else _FLOAT32_BYTES
    row_size = _FLOAT32_BYTES * input_count + target_size + weight_size
    rows = description.rows + (0 if test is None else test.rows)
    read = _measure_columns(description, names)
    if test is not None:
        read += _measure_columns(test, list_test_columns(data, description))
    return SizeEstimate(read, rows * row_size, rows * _NUMBER_BYTES * len(names))


def _measure_columns(table: TableDescription, names: Sequence[str]) -> int:
    columns = {column.name: column for column in table.columns}
    return sum(_measure_column(columns[name], table.rows) for name in names if name in columns)


def _measure_column(column: ColumnDescription, rows: int) -> int:
    if column.type != "text":
        return _NUMBER_BYTES * rows
    return _TEXT_BYTES * rows if column.text_bytes is None else column.text_bytes + _TEXT_OFFSET_BYTES * rows


def _estimate_arrays(data: ArrayData, description: ArraysDescription) -> SizeEstimate:
    arrays = {array.name: array for array in description.arrays}
    stored = sum(
        math.prod(arrays[name].shape) * np.dtype(arrays[name].type).itemsize for name in list_used_arrays(data)
    )
    prepared = 0 if data.sample_weight is None else _FLOAT32_BYTES * arrays[data.x].shape[0]
    for x, y in ((data.x, data.y), *(() if data.test is None else ((data.test.x, data.test.y),))):
        width = math.prod(arrays[y].shape[1:])
        target_size = _estimate_target(data.target.encode, arrays[data.y].categories, width)
        prepared += _FLOAT32_BYTES * math.prod(arrays[x].shape) + arrays[y].shape[0] * target_size
    return SizeEstimate(stored, prepared, stored)


def _estimate_target(encode: str | None, categories: list[int | bool | str] | list[int] | None, width: int) -> int:
    return _NUMBER_BYTES * width if encode is None else _FLOAT32_BYTES * len(categories or ())
