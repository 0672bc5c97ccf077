"""Read rows of arrays from nested JSON lists."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment
from worker.prediction.row_faults import RowFaults
from worker.preparation.arrays import Array
from worker.preparation.transforms.array_inputs import FittedArray

_Types = frozenset[type]
_NUMBERS: _Types = frozenset({int, float})
_BOOLEANS: _Types = _NUMBERS | {bool}


def read_json_arrays(rows: Sequence[object], inputs: FittedArray) -> Array:
    """Convert rows to the dataset array's float dtype, or to float64 for integers and booleans.

    Args:
        rows: as in JSON; at least one.
        inputs: of the job.

    Returns:
        An array of shape (rows, *inputs.shape).

    Raises:
        InvalidRowsError: the rows are invalid; it has all faults.

    """
    types = _BOOLEANS if inputs.type == "bool" else _NUMBERS
    nested = _to_object_array(rows)
    if nested is None or nested.shape != (len(rows), *inputs.shape) or not set(map(type, nested.flat)) <= types:
        faults = RowFaults()
        for index, row in enumerate(rows):
            _report_faults(row, inputs.shape, types, ("rows", index), faults)
        faults.raise_if_any()
    dtype = np.dtype(inputs.type)
    with np.errstate(over="ignore"):  # too large values become infinite, and callers reject those
        return np.array(nested, dtype=dtype if dtype.kind == "f" else np.float64)


def _to_object_array(rows: Sequence[object]) -> Array | None:
    try:
        return np.array(rows, dtype=object)
    except ValueError:  # the rows differ in shape
        return None


def _report_faults(
    value: object, shape: Sequence[int], types: _Types, steps: tuple[PathSegment, ...], faults: RowFaults
) -> None:
    """Report the differences between a value and nested lists of numbers with this shape."""
    if not shape:
        if type(value) not in types:
            expected = "a number, true or false" if bool in types else "a number"
            faults.add(f"expected {expected}, received {format_value(value)}", *steps, received=value)
        return
    length, *inner_shape = shape
    expected = f"expected an array of {length} {'arrays' if inner_shape else 'numbers'}"
    if not isinstance(value, list):
        faults.add(f"{expected}, received {format_value(value)}", *steps, received=value)
        return
    items = cast("list[object]", value)
    if len(items) != length:
        faults.add(f"{expected}, received one of {len(items)}", *steps)
    for index, item in enumerate(items[:length]):
        _report_faults(item, inner_shape, types, (*steps, index), faults)
