"""Rows of arrays that come as nested lists."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from worker.prediction.row_faults import Findings
from worker.preparation.arrays import Array
from worker.preparation.transforms.array_inputs import FittedArray

Types = frozenset[type]
_NUMBERS: Types = frozenset({int, float})
_BOOLEANS: Types = _NUMBERS | {bool}


def read(rows: Sequence[object], inputs: FittedArray) -> Array:
    """The rows as the dataset's array has them: floats of its type, or float64 for whole numbers and booleans.

    Args:
        rows: as JSON has them; at least one.
        inputs: of the job.

    Returns:
        An array of shape (rows, *inputs.shape).

    Raises:
        Refused: with everything that is wrong.

    """
    types = _BOOLEANS if inputs.type == "bool" else _NUMBERS
    nested = _nested(rows)
    if nested is None or nested.shape != (len(rows), *inputs.shape) or not set(map(type, nested.flat)) <= types:
        findings = Findings()
        for place, row in enumerate(rows):
            _note(row, inputs.shape, types, ("rows", place), findings)
        findings.refuse()
    kind = np.dtype(inputs.type)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return np.array(nested, dtype=kind if kind.kind == "f" else np.float64)


def _nested(rows: Sequence[object]) -> Array | None:
    try:
        return np.array(rows, dtype=object)
    except ValueError:  # of no single shape
        return None


def _note(value: object, shape: Sequence[int], types: Types, steps: tuple[Step, ...], findings: Findings) -> None:
    """Note what is wrong with a value that should be nested lists of numbers, of this shape."""
    if not shape:
        if type(value) not in types:
            expected = "a number, true or false" if bool in types else "a number"
            findings.add(f"expected {expected}, received {say(value)}", *steps, received=value)
        return
    length, *inner = shape
    expected = f"expected an array of {length} {'arrays' if inner else 'numbers'}"
    if not isinstance(value, list):
        findings.add(f"{expected}, received {say(value)}", *steps, received=value)
        return
    parts = cast("list[object]", value)
    if len(parts) != length:
        findings.add(f"{expected}, received one of {len(parts)}", *steps)
    for place, part in enumerate(parts[:length]):
        _note(part, inner, types, (*steps, place), findings)
