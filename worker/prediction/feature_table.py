"""A table's rows, whatever format they were read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stackyard.spec import Fault
from worker.prediction.feature_columns import CellValue, FeatureColumn
from worker.prediction.row_faults import RowFaults


@dataclass(frozen=True)
class FeatureTable:
    """The values of every feature, by name and then by row; `lines` are the file lines at which rows begin."""

    features: Sequence[FeatureColumn]
    values: Mapping[str, Sequence[CellValue]]
    lines: Sequence[int] | None = None

    @property
    def to_frame(self) -> Any:
        """The rows as a pandas.DataFrame, as `FittedTable.apply` takes it."""
        return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in self.values.items()})

    def list_unknown_values(self) -> list[Fault]:
        """Return the values that the dataset's columns did not have: the first ones, and the number of the others."""
        faults = RowFaults(self.lines)
        for feature in self.features:
            feature.report_unknown_values(self.values[feature.name], faults)
        return faults.faults
