"""Check the features of a table: the inputs that its columns become."""

import re
from collections.abc import Iterator

from stackyard.spec.check.data.columns import ColumnFinder, SpecPath
from stackyard.spec.check.data.resolved_data import Range
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, Features, TableData, convert_to_category
from stackyard.spec.data.description import ColumnDescription
from stackyard.spec.data.imputation import Constant
from stackyard.spec.reading.faults import format_value

_DATE_START = re.compile(r"\d{4}-\d{2}-\d{2}")
_CATEGORY_TYPES = {
    "text": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
    "float": "a whole number",
}


def count_features(data: TableData, columns: ColumnFinder) -> int | None:
    """Return the number of values of an input row, or None where a column is unsuitable."""
    if data.features is None:
        _check_excluded(data, (), columns)
        count = _count_default_features(data, columns)
    else:
        groups = data.list_feature_groups(columns.by_name)
        _check_selections(groups, columns)
        _check_excluded(data, groups, columns)
        count = _count_listed_features(data, groups, columns)
    if count == 0:
        columns.faults.add("expected at least one feature, received none", "data", "features")
        return None
    return count


def iterate_feature_columns(groups: tuple[Features, ...]) -> Iterator[tuple[Features, str, SpecPath]]:
    """Yield each column of the feature groups with its group and its path in the spec."""
    for index, group in enumerate(groups):
        for position, name in enumerate(group.columns):
            yield group, name, ("data", "features", index, "columns", position)


def _check_selections(groups: tuple[Features, ...], columns: ColumnFinder) -> None:
    for index, group in enumerate(groups):
        if not group.columns:
            message = f"expected a {group.select} column that no other group has, received none"
            columns.faults.add(message, "data", "features", index, "select", fix="leave the group out")


def _check_excluded(data: TableData, groups: tuple[Features, ...], columns: ColumnFinder) -> None:
    listed = {name for group in groups for name in group.columns}
    for index, name in enumerate(data.exclude or ()):
        path = ("data", "exclude", index)
        if columns.find(name, path) is not None and name in listed:
            message = f"expected a column that no group lists, received {format_value(name)}"
            columns.faults.add(message, *path, fix="leave it out here or there")


def _count_default_features(data: TableData, columns: ColumnFinder) -> int | None:
    (group,) = data.list_feature_groups(columns.by_name)
    counts = [_count_values(group, columns.by_name[name], data, ("data",), columns) for name in group.columns]
    return None if None in counts else len(counts)


def _count_listed_features(data: TableData, groups: tuple[Features, ...], columns: ColumnFinder) -> int | None:
    target_names = set(data.target.columns)
    earlier_names: set[str] = set()
    counts: list[int | None] = []
    for group, name, path in iterate_feature_columns(groups):
        column = columns.find(name, path)
        if name in target_names:
            columns.faults.add(f"expected no target among the features, received {format_value(name)}", *path)
        if name in earlier_names:
            columns.faults.add(f"expected each column once, received {format_value(name)} again", *path)
            continue
        earlier_names.add(name)
        counts.append(None if column is None else _count_values(group, column, data, path, columns))
    valid_counts = [count for count in counts if count is not None]
    return sum(valid_counts) if len(valid_counts) == len(counts) else None


def _count_values(
    group: Features, column: ColumnDescription, data: TableData, path: SpecPath, columns: ColumnFinder
) -> int | None:
    """Return the number of values that a column becomes, or add the faults that prevent it."""
    _check_missing_values(group, column, data, path, columns)
    if group.transform in CATEGORICAL_TRANSFORMS:
        if columns.require_categories(column, group.transform, path) is None or not _is_fill_value_valid(
            group, column, data
        ):
            return None
        return len(data.list_categories(group, column) or ()) if group.transform == "one_hot" else 1
    if column.type == "text":
        fix = 'name the features and give it the transform "one_hot" or "ordinal", or leave it out'
        if _may_have_dates(column):
            fix += f"; if these are dates, upload the file with dates={column.name}"
        columns.faults.add(
            f"expected numbers for features, received text in {format_value(column.name)}", *path, fix=fix
        )
        return None
    return 1


def _may_have_dates(column: ColumnDescription) -> bool:
    """Return whether the listed values of a text column look like ISO 8601 dates, or are not listed."""
    return all(_DATE_START.match(str(value)) is not None for value in column.categories or ())


def _check_missing_values(
    group: Features, column: ColumnDescription, data: TableData, path: SpecPath, columns: ColumnFinder
) -> None:
    """Add a fault where missing values are neither dropped nor filled, or cannot be filled as the spec says."""
    imputation = data.get_imputation(group)
    if imputation is None or data.drops_rows_without(column.name):
        columns.require_no_missing(column, path, imputable=True)
        return
    if column.missing >= columns.row_count and not isinstance(imputation, Constant):
        message = f"expected a value to impute from in {format_value(column.name)}, received none in all rows"
        columns.faults.add(message, *path, fix='leave the column out, or impute a "constant"')
        return
    if column.missing and (expected := _expect_imputation(data, group, column)):
        impute_path = (*path[:-2], "impute") if group.impute is not None else ("data", "impute")
        message = f"expected {expected} for {format_value(column.name)}, received {format_value(imputation.strategy)}"
        columns.faults.add(message, *impute_path)


def _expect_imputation(data: TableData, group: Features, column: ColumnDescription) -> str | None:
    """Return the imputation that the column needs instead of the group's, or None where the group's fits."""
    imputation = data.get_column_imputation(group, column)
    if imputation is None:
        return '"most_frequent" or a "constant"'
    if not isinstance(imputation, Constant):
        return None
    value, is_categorical = imputation.fill_value, group.transform in CATEGORICAL_TRANSFORMS
    if is_categorical and not _is_fill_value_valid(group, column, data):
        return f'a fill_value that is {_CATEGORY_TYPES[column.type]}, or "most_frequent",'
    return "a fill_value that is a number" if isinstance(value, str) and not is_categorical else None


def _is_fill_value_valid(group: Features, column: ColumnDescription, data: TableData) -> bool:
    """Return whether the constant that fills a categorical column, if there is one, has the type of its values."""
    imputation = data.get_imputation(group)
    if not isinstance(imputation, Constant) or not column.missing:
        return True
    return not column.categories or convert_to_category(imputation.fill_value, column) is not None


def list_feature_ranges(data: TableData, columns: ColumnFinder) -> tuple[Range | None, ...]:
    """Return the range of each input column, or None where it is scaled or unknown."""
    return tuple(
        _get_range(group, columns.by_name[name], data)
        for group in data.list_feature_groups(columns.by_name)
        for name in group.columns
        if name in columns.by_name
    )


def _get_range(group: Features, column: ColumnDescription, data: TableData) -> Range | None:
    match group.transform:
        case "one_hot" | "minmax":
            return 0, 1
        case "ordinal":
            return None if column.categories is None else (0, len(data.list_categories(group, column) or ()) - 1)
        case "none" if column.minimum is not None and column.maximum is not None:
            return column.minimum, column.maximum
        case "none" if column.type == "boolean":
            return 0, 1
        case _:
            return None
