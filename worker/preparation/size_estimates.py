"""Upper estimates of the size of a job's rows, computed from the dataset's description alone."""

import math
from typing import NamedTuple

import numpy as np

from stackyard.spec import ArrayData, ArraysDescription, DatasetDescription, JobSpec, TableData, TableDescription
from worker.preparation.plan import list_used_arrays, list_used_columns

_FLOAT32_BYTES = 4
_NUMBER_BYTES = 8
_TEXT_BYTES = 64
"""Approximate size of a text in pandas, with its overhead."""


class SizeEstimate(NamedTuple):
    """Maximum sizes in bytes, on the assumption that no row is dropped."""

    raw_bytes: int
    """Of the rows as they are read, before any transform."""
    prepared_bytes: int
    """Of the prepared arrays."""
    spooled_bytes: int
    """Of the temporary files that give random access to the rows as they are read."""


def estimate_sizes(spec: JobSpec, description: DatasetDescription) -> SizeEstimate:
    """Estimate the size of a job's rows, read and prepared; all zero if spec and dataset are of different kinds."""
    match spec.data, description:
        case TableData() as data, TableDescription():
            return _estimate_table(data, description)
        case ArrayData() as data, ArraysDescription():
            return _estimate_arrays(data, description)
        case _:
            return SizeEstimate(0, 0, 0)


def _estimate_table(data: TableData, description: TableDescription) -> SizeEstimate:
    columns = {column.name: column for column in description.columns}
    names = list_used_columns(data, description)
    cell_sizes = (_TEXT_BYTES if columns[name].type == "text" else _NUMBER_BYTES for name in names)
    input_count = sum(
        len(columns[name].categories or ()) if group.transform == "one_hot" else 1
        for group in data.list_feature_groups(columns)
        for name in group.columns
    )
    target_column = columns[data.target.columns[0]]
    target_size = _estimate_target(data.target.encode, target_column.categories, len(data.target.columns))
    weight_size = 0 if data.sample_weight is None else _FLOAT32_BYTES
    row_size = _FLOAT32_BYTES * input_count + target_size + weight_size
    rows = description.rows
    return SizeEstimate(rows * sum(cell_sizes), rows * row_size, rows * _NUMBER_BYTES * len(names))


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
