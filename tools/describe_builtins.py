"""Describe the tables of scikit-learn in the file that the server reads: `python -m tools.describe_builtins`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from service.datasets.inspection.column_findings import ColumnFindings, describe_table
from worker.preparation import dataset_reader

ROOT = Path(__file__).parents[1]
DESCRIPTIONS_FILE = ROOT / "service" / "datasets" / "builtins" / "builtins.json"
DATASET_NAMES = ("iris", "digits", "wine", "diabetes", "breast_cancer")


def describe_builtin(name: str) -> dict[str, Any]:
    """Return the fields of a `service.datasets.builtins.Builtin` for the dataset `name`."""
    frame: Any = dataset_reader.read_builtin(name)
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


if __name__ == "__main__":
    descriptions = [describe_builtin(name) for name in DATASET_NAMES]
    DESCRIPTIONS_FILE.write_text(json.dumps(descriptions, indent=1) + "\n")
