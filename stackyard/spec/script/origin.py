"""The source of the dataset that a script reads."""

from dataclasses import dataclass
from typing import Literal

BuiltinName = Literal["iris", "digits", "wine", "diabetes", "breast_cancer"]
"""The tables that scikit-learn includes."""


@dataclass(frozen=True)
class DatasetOrigin:
    """A file of this `format`, or a table that scikit-learn includes, such as `iris`."""

    format: Literal["csv", "parquet", "npz"] = "csv"
    builtin: BuiltinName | None = None
