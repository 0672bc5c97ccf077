"""Write the descriptions and statistics of scikit-learn's datasets: `python -m tools.describe_builtins`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from service.datasets.inspection.column_statistics import ColumnStatistics, build_table_description
from service.datasets.inspection.value_sample import ColumnSample
from worker.preparation import dataset_reader

ROOT = Path(__file__).parents[1]
DESCRIPTIONS_FILE = ROOT / "service" / "datasets" / "builtins" / "builtins.json"
STATISTICS_FILE = DESCRIPTIONS_FILE.with_name("statistics.json")
DATASET_NAMES = ("iris", "digits", "wine", "diabetes", "breast_cancer")


def describe_builtin(name: str) -> dict[str, Any]:
    """Return the fields of a `service.datasets.builtins.BuiltinDataset` for the dataset `name`."""
    frame: Any = dataset_reader.read_builtin(name)
    columns = _read_columns(frame)
    content = frame.to_numpy(dtype="<f8").tobytes(order="C")
    return {
        "name": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "description": build_table_description(len(frame), columns),
    }


def compute_statistics(name: str) -> dict[str, Any]:
    """Return a `service.datasets.dataset_statistics` DatasetStatistics of the dataset `name` as JSON."""
    frame: Any = dataset_reader.read_builtin(name)
    return {"columns": [column.to_statistics(len(frame)) for column in _read_columns(frame)]}


def _read_columns(frame: Any) -> list[ColumnStatistics]:
    columns = [ColumnStatistics(column, sample=ColumnSample(len(frame.columns))) for column in frame.columns]
    for column in columns:
        values = frame[column.name].to_numpy()
        column.add_block("integer" if values.dtype.kind in "iu" else "float", 0, values)
    return columns


if __name__ == "__main__":
    descriptions = [describe_builtin(name) for name in DATASET_NAMES]
    DESCRIPTIONS_FILE.write_text(json.dumps(descriptions, indent=1) + "\n")
    statistics = {name: compute_statistics(name) for name in DATASET_NAMES}
    STATISTICS_FILE.write_text(json.dumps(statistics) + "\n")
