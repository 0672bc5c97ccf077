"""Sources of a dataset's rows, and the media types of uploads."""

from dataclasses import dataclass
from pathlib import Path

CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
NPZ = "application/x-npz"

UPLOAD_MEDIA_TYPES = (CSV, PARQUET, NPZ)
"""Media types that a client may upload."""


@dataclass(frozen=True)
class FileSource:
    """A file of one of the `UPLOAD_MEDIA_TYPES`."""

    path: Path
    media_type: str


@dataclass(frozen=True)
class BuiltinSource:
    """A dataset of scikit-learn. `name` has no prefix: `iris`."""

    name: str


DatasetSource = FileSource | BuiltinSource
