"""Values of a table's columns, held against what the training had there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stackyard.spec import ColumnDescription
from stackyard.spec.data.data import CATEGORICAL, Transform
from stackyard.spec.reading.faults import say
from worker.prediction.row_faults import Findings
from worker.preparation.transforms.features import FittedTable

Value = int | float | bool | str | None
ABSENT = object()
"""Stands where a row has no such column, which whoever read the row has noted."""

_LARGEST = 2**63
_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int, float}),
    "float": frozenset({int, float}),
}
_NAMES = {"text": "a string", "boolean": "true or false", "integer": "a number", "float": "a number"}


@dataclass(frozen=True)
class Feature:
    """One column of the inputs: what it is, what becomes of it, and whether a missing value is filled."""

    column: ColumnDescription
    transform: Transform
    filled: bool

    @property
    def name(self) -> str:
        """As the dataset has it."""
        return self.column.name

    @property
    def by_value(self) -> bool:
        """Whether values are taken for what they are, and not for how great they are."""
        return self.transform in CATEGORICAL

    def read(self, values: Sequence[object], findings: Findings) -> list[Value]:
        """The values of every row; what is wrong with one is noted, and it is None then.

        Args:
            values: as JSON has them, or ABSENT.
            findings: what is wrong goes there.

        """
        kinds = {type(value) for value in values}
        if kinds <= self._plain:
            return list(values)  # pyright: ignore[reportReturnType]  # of these types, as was just seen
        return [self._one(value, row, findings) for row, value in enumerate(values)]

    def note_unknown(self, values: Sequence[Value], findings: Findings) -> None:
        """Note the values that the whole column of the dataset did not have, where that matters."""
        known = set(self.column.categories or ())
        if not self.by_value or known.issuperset(set(values) - {None}):
            return
        becomes = "0 everywhere" if self.transform == "one_hot" else "-1"
        for row, value in enumerate(values):
            if value is not None and value not in known:
                message = f"{say(value)} is none of the {len(known)} values that {say(self.name)} had; its input is "
                findings.at_row(message + becomes, row, self.name, received=value)

    @property
    def _plain(self) -> frozenset[type]:
        """Types of which every value will do as it is."""
        whole = self.by_value and self.column.type == "integer"
        types = frozenset({int}) if whole else _TYPES[self.column.type]
        return types | {type(None)} if self.filled else types

    def _one(self, value: object, row: int, findings: Findings) -> Value:
        if value is ABSENT:
            return None
        if type(value) in self._plain:
            return value  # pyright: ignore[reportReturnType]  # of these types, as was just seen
        if self.by_value and isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
            return int(value)
        message = f"expected {self._expected}, received {say(value)}"
        fix = "an impute in the job's spec would fill it" if value is None else None
        findings.at_row(message, row, self.name, received=value, fix=fix)
        return None

    @property
    def _expected(self) -> str:
        return "a whole number" if self.by_value and self.column.type == "integer" else _NAMES[self.column.type]


def features_of(table: FittedTable) -> Iterator[Feature]:
    """The columns that rows need, in the order of the inputs."""
    for group in table.groups:
        for column in group.columns:
            yield Feature(column, group.transform, column.name in group.fill)
