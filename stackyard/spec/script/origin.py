"""Where a script finds the rows of a dataset."""

from dataclasses import dataclass
from typing import Literal

Builtin = Literal["iris", "digits", "wine", "diabetes", "breast_cancer"]


@dataclass(frozen=True)
class Origin:
    """A file of this `format`, or scikit-learn's own table `builtin`: `iris`, say."""

    format: Literal["csv", "parquet", "npz"] = "csv"
    builtin: Builtin | None = None
