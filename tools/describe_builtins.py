"""Write the descriptions of scikit-learn's datasets, which the server reads: `python -m tools.describe_builtins`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from service.datasets.inspection.column_statistics import ColumnStatistics, build_table_description
from worker.preparation import dataset_reader

ROOT = Path(__file__).parents[1]
DESCRIPTIONS_FILE = ROOT / "service" / "datasets" / "builtins" / "builtins.json"
DATASET_NAMES = ("iris", "digits", "wine", "diabetes", "breast_cancer")


def describe_builtin(name: str) -> dict[str, Any]:
    """Return the fields of a `service.datasets.builtins.BuiltinDataset` for the dataset `name`."""
    frame: Any = dataset_reader.read_builtin(name)
    columns = [ColumnStatistics(column) for column in frame.columns]
    for column in columns:
        values = frame[column.name].to_numpy()
        column.add_block("integer" if values.dtype.kind in "iu" else "float", 0, values)
    content = frame.to_numpy(dtype="<f8").tobytes(order="C")
    return {
        "name": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "description": build_table_description(len(frame), columns),
    }


if __name__ == "__main__":
    descriptions = [describe_builtin(name) for name in DATASET_NAMES]
    DESCRIPTIONS_FILE.write_text(json.dumps(descriptions, indent=1) + "\n")
