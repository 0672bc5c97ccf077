"""The built-in datasets as scikit-learn has them."""

import hashlib
from typing import Any

from service import tables
from service.inspection.columns import ColumnFindings, describe_table

_NAMES = ("iris", "digits", "wine", "diabetes", "breast_cancer")


def generate() -> list[dict[str, Any]]:
    """The fields of a `service.builtins.Builtin`, of each."""
    return [_entry(name) for name in _NAMES]


def _entry(name: str) -> dict[str, Any]:
    frame: Any = tables.read_builtin(name)
    columns = [ColumnFindings(column) for column in frame.columns]
    for column in columns:
        values = frame[column.name].to_numpy()
        column.see("integer" if values.dtype.kind in "iu" else "float", 0, values)
    numbers = frame.to_numpy(dtype="<f8").tobytes(order="C")
    return {
        "name": name,
        "sha256": hashlib.sha256(numbers).hexdigest(),
        "bytes": len(numbers),
        "description": describe_table(len(frame), columns),
    }
