"""The built-in datasets: what is known of them without loading scikit-learn, which has their rows."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

PREFIX = "builtin:"
"""What the name of a built-in dataset begins with, and no other's."""


@dataclass(frozen=True)
class Builtin:
    """One of them.

    `sha256` and `bytes` are those of all its numbers as little-endian float64, row by row: they have no file.
    """

    name: str
    sha256: str
    bytes: int
    description: dict[str, Any]


def load() -> tuple[Builtin, ...]:
    """Every built-in dataset, as `python -m service.datasets.builtins` last wrote it down."""
    return tuple(Builtin(**entry) for entry in json.loads((files(__name__) / "builtins.json").read_text()))
