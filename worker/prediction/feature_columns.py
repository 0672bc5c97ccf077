"""Check values of a table's columns against the columns that the job was trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.datasets import time_columns
from stackyard.spec import ColumnDescription
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, Transform
from stackyard.spec.data.description import TimeKind
from stackyard.spec.reading.faults import format_value
from worker.prediction.row_faults import RowFaults
from worker.preparation.transforms.features import FittedTable

CellValue = int | float | bool | str | None
MISSING = object()
"""Value of a column that a row does not have; the reader of the row has reported it."""

_MAX_INTEGER = 2**63
_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int, float}),
    "float": frozenset({int, float}),
}
_TYPE_NAMES = {
    "text": "a string",
    "boolean": "true or false",
    "integer": "a number",
    "float": "a number",
    "unsupported": "",
}


_TIME_NAMES: dict[TimeKind, str] = {
    "date": "a date as in ISO 8601, or a number of days since 1970-01-01",
    "time": "a time such as 13:45:00, or a number of days since midnight",
    "duration": "a number of days",
}


@dataclass(frozen=True)
class FeatureColumn:
    """A column of the inputs, with its transform and whether missing values are imputed."""

    column: ColumnDescription
    transform: Transform
    is_imputed: bool

    @property
    def name(self) -> str:
        """The column's name in the dataset."""
        return self.column.name

    @property
    def width(self) -> int:
        """The number of inputs that the column becomes."""
        return len(self.column.categories or ()) if self.transform == "one_hot" else 1

    @property
    def is_categorical(self) -> bool:
        """Whether the transform treats values as categories and not as quantities."""
        return self.transform in CATEGORICAL_TRANSFORMS

    def read_values(self, values: Sequence[object], faults: RowFaults) -> list[CellValue]:
        """Return the value of every row. An invalid value is reported and becomes None.

        Args:
            values: as in JSON, or MISSING.
            faults: collects the faults.

        """
        if self.column.stored_as is not None:
            values = _convert_times(values, self.column.stored_as)
        types = {type(value) for value in values}
        if types <= self._accepted_types and not (self.takes_integers_only and any(map(_is_too_large, values))):
            return list(values)  # pyright: ignore[reportReturnType]  # the condition has checked the types
        return [self._read_value(value, row, faults) for row, value in enumerate(values)]

    def report_unknown_values(self, values: Sequence[CellValue], faults: RowFaults) -> None:
        """Report values that the dataset's column did not have, if the transform is categorical."""
        categories = set(self.column.categories or ())
        if not self.is_categorical or categories.issuperset(set(values) - {None}):
            return
        replacement = "0 everywhere" if self.transform == "one_hot" else "-1"
        for row, value in enumerate(values):
            if value is not None and value not in categories:
                message = (
                    f"{format_value(value)} is none of the {len(categories)} values that {format_value(self.name)} "
                    f"had; its input is {replacement}"
                )
                faults.add_at_row(message, row, self.name, received=value)

    @property
    def _accepted_types(self) -> frozenset[type]:
        """Types of which every value is valid without conversion."""
        types = frozenset({int}) if self.takes_integers_only else _TYPES[self.column.type]
        return types | {type(None)} if self.is_imputed else types

    def _read_value(self, value: object, row: int, faults: RowFaults) -> CellValue:
        if value is MISSING:
            return None
        is_too_large = self.takes_integers_only and _is_too_large(value)
        if type(value) in self._accepted_types and not is_too_large:
            return value  # pyright: ignore[reportReturnType]  # the condition has checked the type
        if self.is_categorical and isinstance(value, float) and value.is_integer() and abs(value) < _MAX_INTEGER:
            return int(value)
        stored_as = self.column.stored_as
        expected = "a whole number" if self.takes_integers_only else _TYPE_NAMES[self.column.type]
        expected = expected if stored_as is None else _TIME_NAMES[stored_as]
        expected += " of at most 64 bits" if is_too_large else ""
        message = f"expected {expected}, received {format_value(value)}"
        fix = "an impute in the job's spec would fill it" if value is None else None
        faults.add_at_row(message, row, self.name, received=value, fix=fix)
        return None

    @property
    def takes_integers_only(self) -> bool:
        """Whether each value is a whole number that the transform looks up."""
        return self.is_categorical and self.column.type in ("integer", "float")


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER


def iterate_features(table: FittedTable) -> Iterator[FeatureColumn]:
    """Yield the columns that rows need, in the order of the inputs."""
    for group in table.groups:
        for column in group.columns:
            yield FeatureColumn(column, group.transform, column.name in group.fill)


def _convert_times(values: Sequence[object], kind: TimeKind) -> Sequence[object]:
    """Return the values with texts of dates and times as numbers of days; other texts are unchanged."""
    texts = {index: value for index, value in enumerate(values) if isinstance(value, str)}
    if not texts or kind == "duration":
        return values
    converted = list(values)
    for index, days in time_columns.convert_texts(texts, kind).items():
        converted[index] = days
    return converted
