"""A table's columns, as a spec asks for them."""

from collections.abc import Mapping

from stackyard.spec.check.data.inputs import Values
from stackyard.spec.check.data.splits import Deciding
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import MAX_CATEGORIES, ColumnDescription, TableDescription
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from stackyard.spec.tagged_union import suggest

Place = tuple[Step, ...]

_LISTED = 20
"""As many column names as an error repeats."""


class Columns:
    """The columns that there are; what a spec asks of them and they do not give is noted at its place."""

    def __init__(self, data: TableData, table: TableDescription, faults: Faults) -> None:
        self.by_name: Mapping[str, ColumnDescription] = {column.name: column for column in table.columns}
        self.faults = faults
        self._data = data

    def find(self, name: str, place: Place) -> ColumnDescription | None:
        """Return the column of this name."""
        column = self.by_name.get(name)
        if column is None:
            listed = ", ".join(list(self.by_name)[:_LISTED]) + (", …" if len(self.by_name) > _LISTED else "")
            message = f"expected a column of the dataset ({listed}), received {say(name)}"
            self.faults.add(message, *place, fix=suggest(name, self.by_name))
        return column

    def whole(self, column: ColumnDescription, place: Place, *, imputable: bool = False) -> None:
        """Note missing values that nothing leaves out; `imputable` says that they could also be filled."""
        if column.missing and not self._data.drops(column.name):
            lacks = f"expected no missing values in {say(column.name)}, received {column.missing}"
            fill = ', or "impute" to fill them' if imputable else ""
            self.faults.add(lacks, *place, fix=f'set "drop_missing": true to leave those rows out{fill}')

    def categories(self, column: ColumnDescription, why: str, place: Place) -> Values | None:
        """Return the values that a column has, where they are known, and otherwise note that they are not."""
        if column.categories:
            return tuple(column.categories)
        wanted = f"expected at most {MAX_CATEGORIES} values, whole numbers, booleans or text, for {why}"
        has = "more of them" if column.type != "float" else "a column of fractions"
        none = "no value at all" if column.categories is not None else has
        self.faults.add(f"{wanted}; received {none} in {say(column.name)}", *place)
        return None

    def deciding(self, name: str, place: Place) -> Deciding | None:
        """Return what a split looks at in a column."""
        column = self.find(name, place)
        if column is None:
            return None
        self.whole(column, place)
        return Deciding(f"the column {say(name)}", column.categories)
