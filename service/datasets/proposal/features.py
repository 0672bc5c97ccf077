"""The features of a proposal: which columns become inputs, and by which transform."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stackyard.spec import ColumnDescription, TableDescription

_MAX_ONE_HOT_VALUES = 100
"""Text of more distinct values would become too many inputs for a small network."""
_MAX_NAME_LENGTH = 200
"""Maximum length of a column's name in a spec."""
_ID_NAME = re.compile(r"(?i:(^|[\s_-])(id|uuid|guid|index|key|row)$|^(id|index|row)([\s_-]|$))|[a-z]I[dD]$")
"""Names that people give to identifiers. The last alternative finds `customerId`."""
_MAX_LISTED_NAMES = 10
_MAX_GROUP_COLUMNS = 10_000
"""Maximum number of members of an array in a spec; more columns make a second group."""


@dataclass(frozen=True)
class ProposedFeatures:
    """The groups of features, and notes on the columns that are left out."""

    groups: list[dict[str, Any]]
    notes: list[str]


def propose_features(table: TableDescription, target: str) -> ProposedFeatures:
    """Choose the features of a table: every column but the target that tells rows apart without naming them."""
    excluded: dict[str, list[str]] = {}
    columns_by_group: dict[tuple[str, str | None], list[str]] = {}
    for column in table.columns:
        if column.name == target:
            continue
        if reason := _find_exclusion(column, table.rows):
            excluded.setdefault(reason, []).append(column.name)
            continue
        columns_by_group.setdefault(_choose_transform(column), []).append(column.name)
    notes = [f"Left out {_format_names(names)}: {reason}." for reason, names in excluded.items()]
    return ProposedFeatures(list(_build_groups(columns_by_group)), notes)


def _find_exclusion(column: ColumnDescription, rows: int) -> str | None:
    """Return why a column should not be a feature, or None where it should."""
    if not column.is_default_feature or len(column.name) > _MAX_NAME_LENGTH:
        return "the column cannot be read, or has no usable name"
    if column.missing >= rows:
        return "every value is missing"
    if _has_single_value(column):
        return "every value is the same"
    if _is_identifier(column, rows):
        return "the values look like identifiers of rows, from which a network learns nothing"
    return _find_text_exclusion(column) if column.type == "text" else None


def _find_text_exclusion(column: ColumnDescription) -> str | None:
    if not column.categories:
        return "the text has too many different values"
    if len(column.categories) > _MAX_ONE_HOT_VALUES:
        return f"the text has more than {_MAX_ONE_HOT_VALUES} different values; give it an Embedding to use it"
    return None


def _has_single_value(column: ColumnDescription) -> bool:
    is_constant = column.minimum is not None and column.minimum == column.maximum
    return is_constant or len(column.categories or ()) == 1


def _is_identifier(column: ColumnDescription, rows: int) -> bool:
    values = rows - column.missing
    distinct = None if column.categories is None else len(column.categories)
    if column.type == "text":
        return distinct is not None and distinct > 1 and distinct * 2 > values
    if column.type != "integer" or column.stored_as is not None:
        return False
    may_be_distinct = distinct is None or distinct == values
    return may_be_distinct and (_ID_NAME.search(column.name) is not None or _counts_rows(column, values))


def _counts_rows(column: ColumnDescription, values: int) -> bool:
    """Return whether the values are as many as the whole numbers of their range, as those of a row counter."""
    if column.minimum is None or column.maximum is None:
        return False
    return column.maximum - column.minimum + 1 == values


def _choose_transform(column: ColumnDescription) -> tuple[str, str | None]:
    """Return the transform of a column, and the strategy that fills its missing values."""
    if column.type == "text":
        return "one_hot", "most_frequent" if column.missing else None
    if column.type == "boolean":
        return "none", "most_frequent" if column.missing else None
    return "standard", "median" if column.missing else None


def _build_groups(columns_by_group: dict[tuple[str, str | None], list[str]]) -> Iterator[dict[str, Any]]:
    for (transform, strategy), names in columns_by_group.items():
        for columns in _divide_names(names):
            group: dict[str, Any] = {"columns": columns, "transform": transform}
            yield group if strategy is None else group | {"impute": {"strategy": strategy}}


def _divide_names(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + _MAX_GROUP_COLUMNS] for start in range(0, len(names), _MAX_GROUP_COLUMNS))


def _format_names(names: list[str]) -> str:
    listed = ", ".join(f"“{name[:_MAX_NAME_LENGTH]}”" for name in names[:_MAX_LISTED_NAMES])
    others = len(names) - _MAX_LISTED_NAMES
    return f"{listed} and {others} more" if others > 0 else listed
