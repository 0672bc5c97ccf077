"""Descriptions of the built-in datasets. They are read without loading scikit-learn, which has the rows."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from service.datasets.dataset_statistics import DatasetStatistics

BUILTIN_PREFIX = "builtin:"
"""Prefix of the names of built-in datasets. Uploaded datasets cannot have it."""


@dataclass(frozen=True)
class BuiltinDataset:
    """A built-in dataset.

    It has no file. `sha256` and `bytes` are those of all its values as little-endian float64, row by row.
    """

    name: str
    sha256: str
    bytes: int
    description: dict[str, Any]


def load_builtins() -> tuple[BuiltinDataset, ...]:
    """Return every built-in dataset, as `python -m tools.describe_builtins` last described it."""
    return tuple(BuiltinDataset(**entry) for entry in json.loads((files(__name__) / "builtins.json").read_text()))


def load_statistics(name: str) -> DatasetStatistics:
    """Return the statistics of a built-in dataset. They are read from a file of their own, when they are shown."""
    statistics = json.loads((files(__name__) / "statistics.json").read_text())
    return DatasetStatistics.model_validate(statistics[name])
