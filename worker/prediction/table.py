"""Rows of a table, read from whatever form they came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stackyard.spec import Problem
from worker.prediction.columns import Feature, Value
from worker.prediction.row_faults import Findings


@dataclass(frozen=True)
class Table:
    """The values of every feature, by its name and then by row; `lines` say where each row begins in a file."""

    values: Mapping[str, Sequence[Value]]
    lines: Sequence[int] | None = None

    @property
    def frame(self) -> Any:
        """A pandas.DataFrame, as `FittedTable.apply` takes it."""
        return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in self.values.items()})

    def unknown(self, features: Sequence[Feature]) -> list[Problem]:
        """Values that the dataset's columns did not have; the first hundred, and how many more."""
        findings = Findings(self.lines)
        for feature in features:
            feature.note_unknown(self.values[feature.name], findings)
        return findings.problems
