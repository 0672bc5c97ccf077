"""Choose the types of columns that pandas would read with other types than the worker does."""

import re
from collections.abc import Collection, Mapping

from stackyard.spec.data.description import ColumnDescription, TableDescription

LARGE_INTEGER_TYPE = "Int64"
"""The pandas type of integers with missing values that float64 would round."""

_NUMBER_OR_BOOLEAN = re.compile(
    r"\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?|true|false)\s*", re.IGNORECASE
)
"""Texts that `pandas.read_csv` may read as a number or a boolean, if no other text is near."""


def list_read_types(table: TableDescription, names: Collection[str]) -> Mapping[str, str]:
    """Return the pandas types of those columns for which pandas may infer another type than the dataset has."""
    types = {column.name: _choose_type(column) for column in table.columns if column.name in names}
    return {name: kind for name, kind in types.items() if kind is not None}


def _choose_type(column: ColumnDescription) -> str | None:
    if column.has_large_integers and column.missing:
        return LARGE_INTEGER_TYPE
    return "str" if column.type == "text" and _may_be_read_as_other(column) else None


def _may_be_read_as_other(column: ColumnDescription) -> bool:
    values = column.categories
    return values is None or any(_NUMBER_OR_BOOLEAN.fullmatch(str(value)) for value in values)
