"""Find the columns that a spec names in a table."""

import json
from collections.abc import Mapping
from functools import cached_property

from stackyard.spec.check.data.resolved_data import Categories
from stackyard.spec.check.data.splits import SplitKey
from stackyard.spec.check.fault_collector import FaultCollector, format_choices
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import MAX_CATEGORIES, ArrayDescription, ColumnDescription, TableDescription
from stackyard.spec.data.used_columns import list_columns_to_drop
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment

SpecPath = tuple[PathSegment, ...]
"""The path of a value in the spec."""


def find_single_row_value(described: ColumnDescription | ArrayDescription) -> int | bool | str | None:
    """Return a value that a single row has, if the description knows one."""
    return described.rarest_category if described.rarest_rows == 1 else None


class ColumnFinder:
    """The columns of a table; each method adds a fault at `path` where a column is missing or unsuitable."""

    def __init__(self, data: TableData, table: TableDescription, faults: FaultCollector) -> None:
        self.by_name: Mapping[str, ColumnDescription] = {column.name: column for column in table.columns}
        self.faults = faults
        self.row_count = table.rows
        self._data = data
        self._table = table

    def find(self, name: str, path: SpecPath) -> ColumnDescription | None:
        """Return the column of this name."""
        column = self.by_name.get(name)
        if column is None:
            columns = format_choices(self.by_name)
            message = f"expected a column of the dataset ({columns}), received {format_value(name)}"
            self.faults.add_unknown_name(message, *path, name=name, valid_names=self.by_name)
        elif column.type == "unsupported":
            message = f"expected a column that can be read, received {format_value(name)}: {column.reason}"
            self.faults.add(message, *path, fix="leave the column out, or upload the file with another type for it")
            return None
        return column

    def require_no_missing(self, column: ColumnDescription, path: SpecPath, *, imputable: bool = False) -> None:
        """Require that no value is missing unless its row is dropped; `imputable` adds filling to the fix."""
        if column.missing and not self._data.drops_rows_without(column.name):
            message = f"expected no missing values in {format_value(column.name)}, received {column.missing}"
            fill = ', or "impute" to fill them' if imputable else ""
            fix = f"{self._drop_suggestion}{fill}{_suggest_missing_words(column)}"
            self.faults.add(message, *path, fix=fix)

    def require_categories(self, column: ColumnDescription, purpose: str, path: SpecPath) -> Categories | None:
        """Return the distinct values of a column; require that they are known."""
        if column.categories:
            return tuple(column.categories)
        expected = f"expected at most {MAX_CATEGORIES} values, whole numbers, booleans or text, for {purpose}"
        if column.categories is not None:
            received = "no value at all"
        else:
            received = "more of them" if column.type != "float" else "a column of fractions"
        self.faults.add(f"{expected}; received {received} in {format_value(column.name)}", *path)
        return None

    def find_split_key(self, name: str, path: SpecPath) -> SplitKey | None:
        """Return the column as the key of a split."""
        column = self.find(name, path)
        if column is None:
            return None
        self.require_no_missing(column, path)
        source, has_floats = f"the column {format_value(name)}", column.type == "float"
        return SplitKey(source, column.categories, find_single_row_value(column), has_floats=has_floats)

    @cached_property
    def _drop_suggestion(self) -> str:
        """The `drop_missing` that leaves out the rows that the job cannot use, and no others."""
        names = list_columns_to_drop(self._data, self._table)
        remaining = self._table.count_complete_rows(names)
        result = "" if remaining is None else f", which leaves {remaining} of {self._table.rows} rows"
        return f'set "drop_missing": {json.dumps(names, ensure_ascii=False)} to leave those rows out{result}'


def _suggest_missing_words(column: ColumnDescription) -> str:
    """Return how words that are read as missing can become values, for a fix."""
    if not column.missing_words:
        return ""
    words = ", ".join(format_value(word) for word in column.missing_words)
    return f"; {words} counts as missing: to keep it as a value, upload the file with default_missing_values=false"
