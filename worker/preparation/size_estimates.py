"""What a job's rows will take up, by integers alone, from what is known of the dataset."""

import math
from typing import NamedTuple

import numpy as np

from stackyard.spec import ArrayData, ArraysDescription, DatasetDescription, JobSpec, TableData, TableDescription
from worker.preparation.plan import used_arrays, used_columns

_FLOAT = 4
_NUMBER = 8
_TEXT = 64
"""About what a text takes up, with all that pandas has beside it."""


class Sizes(NamedTuple):
    """Bytes; at most so many, for no row is taken to be left out."""

    stored: int
    """Of the rows as they are read, before they are made into anything."""
    prepared: int
    """Of what is made of them."""
    unpacked: int
    """Of the rows as they are read, in files from which any of them can be had."""


def sizes(spec: JobSpec, description: DatasetDescription) -> Sizes:
    """Say how much memory it takes to have a job's rows there, read and made; nothing where the two do not fit."""
    match spec.data, description:
        case TableData() as data, TableDescription():
            return _table(data, description)
        case ArrayData() as data, ArraysDescription():
            return _arrays(data, description)
        case _:
            return Sizes(0, 0, 0)


def _table(data: TableData, description: TableDescription) -> Sizes:
    columns = {column.name: column for column in description.columns}
    used = used_columns(data, description)
    read = (_TEXT if columns[name].type == "text" else _NUMBER for name in used)
    inputs = sum(
        len(columns[name].categories or ()) if group.transform == "one_hot" else 1
        for group in data.groups(columns)
        for name in group.columns
    )
    first = columns[data.target.columns[0]]
    target = _target(data.target.encode, first.categories, len(data.target.columns))
    weight = 0 if data.sample_weight is None else _FLOAT
    made = _FLOAT * inputs + target + weight
    return Sizes(description.rows * sum(read), description.rows * made, description.rows * _NUMBER * len(used))


def _arrays(data: ArrayData, description: ArraysDescription) -> Sizes:
    arrays = {array.name: array for array in description.arrays}
    stored = sum(math.prod(arrays[name].shape) * np.dtype(arrays[name].type).itemsize for name in used_arrays(data))
    prepared = 0 if data.sample_weight is None else _FLOAT * arrays[data.x].shape[0]
    for x, y in ((data.x, data.y), *(() if data.test is None else ((data.test.x, data.test.y),))):
        numbers = math.prod(arrays[y].shape[1:])
        target = _target(data.target.encode, arrays[data.y].categories, numbers)
        prepared += _FLOAT * math.prod(arrays[x].shape) + arrays[y].shape[0] * target
    return Sizes(stored, prepared, stored)


def _target(encode: str | None, categories: list[int | bool | str] | list[int] | None, numbers: int) -> int:
    return _NUMBER * numbers if encode is None else _FLOAT * len(categories or ())
