"""Where a dataset's rows come from, and the media types that say how they are written down there."""

from dataclasses import dataclass
from pathlib import Path

CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
NPZ = "application/x-npz"

UPLOADED = (CSV, PARQUET, NPZ)
"""What a client may send."""


@dataclass(frozen=True)
class FileSource:
    """A file of one of the `UPLOADED` types."""

    path: Path
    media_type: str


@dataclass(frozen=True)
class BuiltinSource:
    """A table that comes with scikit-learn; `name` is `iris`, without the prefix."""

    name: str


Source = FileSource | BuiltinSource
