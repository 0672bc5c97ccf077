"""Check the data section of a spec against a table: the target, the row weights and the number of rows."""

import json
from collections.abc import Iterator
from dataclasses import replace

from stackyard.spec.check.data.columns import ColumnFinder, SpecPath, find_single_row_value
from stackyard.spec.check.data.features import count_features, list_feature_ranges
from stackyard.spec.check.data.resolved_data import ResolvedData, Target, list_scaling_arguments
from stackyard.spec.check.data.splits import RowBound, SplitChecker
from stackyard.spec.check.data.table_warnings import describe_similar_texts
from stackyard.spec.check.data.target_scaling import check_target_range, scale_bound
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import MAX_CATEGORIES, ColumnDescription, TableDescription
from stackyard.spec.data.used_columns import list_columns_to_drop
from stackyard.spec.reading.faults import format_value


def resolve_table_data(
    data: TableData, table: TableDescription, faults: FaultCollector, test_rows: RowBound | None
) -> ResolvedData:
    """Return the inputs and the target that `data` takes from `table`, and add the faults.

    Args:
        data: The data section of the spec.
        table: The dataset.
        faults: Collects the faults.
        test_rows: The rows of a separate test dataset, or None without one.
    """
    columns = ColumnFinder(data, table, faults)
    target = _resolve_target(data, columns)
    feature_count = count_features(data, columns)
    _check_sample_weight(data, columns)
    _check_drop_missing(data, columns)
    remaining = _count_rows(data, table)
    if remaining.maximum == 0:
        _add_no_rows_fault(data, table, faults)
    rows, max_train_rows = SplitChecker(columns.find_split_key, faults).count_rows(data.split, remaining)
    shape = None if feature_count is None else (feature_count,)
    if target is not None and len(data.target.columns) == 1 and target.kind != "numbers":
        column = columns.by_name[data.target.columns[0]]
        target = replace(target, single_row_value=find_single_row_value(column))
    if test_rows is not None:
        rows = rows.model_copy(update={"test": test_rows.exact_count})
    return ResolvedData(shape, target, rows, max_train_rows, list_feature_ranges(data, columns))


def _count_rows(data: TableData, table: TableDescription) -> RowBound:
    """Return the rows that are not dropped: exact if the description has their number, and otherwise a bound."""
    dropped = [column for column in table.columns if data.drops_rows_without(column.name)]
    exact = table.count_complete_rows([column.name for column in dropped])
    maximum = table.rows - max((column.missing for column in dropped), default=0)
    return RowBound(maximum if exact is None else exact, is_exact=exact is not None)


def _add_no_rows_fault(data: TableData, table: TableDescription, faults: FaultCollector) -> None:
    if table.rows == 0:
        faults.add("expected at least 1 row, received none", "data")
        return
    names = list_columns_to_drop(data, table)
    fix = 'leave it out, and "impute" the features'
    if data.drop_missing is True and table.count_complete_rows(names):
        fix = f'set "drop_missing": {json.dumps(names, ensure_ascii=False) if names else "false"}'
    message = f"expected a row with a value in every column of drop_missing, received none in {table.rows} rows"
    faults.add(message, "data", "drop_missing", fix=fix)


def _check_drop_missing(data: TableData, columns: ColumnFinder) -> None:
    if not isinstance(data.drop_missing, bool):
        for index, name in enumerate(data.drop_missing):
            columns.find(name, ("data", "drop_missing", index))


def _check_sample_weight(data: TableData, columns: ColumnFinder) -> None:
    path = ("data", "sample_weight")
    column = None if data.sample_weight is None else columns.find(data.sample_weight, path)
    if column is None:
        return
    columns.require_no_missing(column, path)
    if column.name in data.target.columns:
        columns.faults.add(f"expected another column than the target, received {format_value(column.name)}", *path)
    elif column.type not in ("integer", "float"):
        columns.faults.add(
            f"expected a column of numbers, received {column.type} in {format_value(column.name)}", *path
        )
    elif column.minimum is not None and column.minimum < 0:
        message = f"expected weights of at least 0, received {column.minimum:g} in {format_value(column.name)}"
        columns.faults.add(message, *path)


def _resolve_target(data: TableData, columns: ColumnFinder) -> Target | None:
    target_columns: list[ColumnDescription] = []
    for name, path in _iterate_target_columns(data):
        column = columns.find(name, path)
        if column is not None:
            columns.require_no_missing(column, path)
            target_columns.append(column)
    if len(set(data.target.columns)) < len(data.target.columns):
        columns.faults.add("expected each column once, received one more than once", "data", "target", "column")
        return None
    if len(target_columns) < len(data.target.columns):
        return None
    if len(target_columns) == 1:
        return _build_single_target(data, target_columns[0], columns)
    return _build_joint_target(data, target_columns, columns.faults)


def _iterate_target_columns(data: TableData) -> Iterator[tuple[str, SpecPath]]:
    path = ("data", "target", "column")
    if isinstance(data.target.column, str):
        yield data.target.column, path
        return
    for index, name in enumerate(data.target.column):
        yield name, (*path, index)


def _build_joint_target(data: TableData, columns: list[ColumnDescription], faults: FaultCollector) -> Target | None:
    if data.target.encode is not None:
        faults.add(f"expected one target column to encode, received {len(columns)}", "data", "target", "encode")
        return None
    text_names = {column.name for column in columns if column.type == "text"}
    for name, path in _iterate_target_columns(data):
        if name in text_names:
            faults.add(
                f"expected numbers where there are several targets, received text in {format_value(name)}", *path
            )
    names = tuple(column.name for column in columns)
    if text_names:
        return None
    for column in columns:
        check_target_range(data.target, column.minimum, f"the column {format_value(column.name)}", faults)
    source = f"{len(columns)} columns"
    return Target("numbers", (len(columns),), source, names, number_reason="a row has several of them")


def _build_single_target(data: TableData, column: ColumnDescription, columns: ColumnFinder) -> Target | None:
    source = f"the column {format_value(column.name)}{describe_similar_texts(column)}"
    if data.target.encode is None and column.type != "text":
        check_target_range(data.target, column.minimum, source, columns.faults)
        return _build_numeric_target(data, column, source)
    purpose = "a one-hot target" if data.target.encode else "a text target"
    for name in list_scaling_arguments(data.target):
        message = f"expected no {name} with {purpose}, which has no size to scale"
        columns.faults.add(message, "data", "target", name)
    values = columns.require_categories(column, purpose, ("data", "target", "column"))
    if values is None:
        return None
    if data.target.encode:
        return Target("one_hot", (len(values),), source, values)
    return Target(
        "labels", (), source, values, counts_from_zero=True, from_text=True, minimum=0, maximum=len(values) - 1
    )


def _build_numeric_target(data: TableData, column: ColumnDescription, source: str) -> Target:
    minimum, maximum = (scale_bound(data.target, bound) for bound in (column.minimum, column.maximum))
    if arguments := list_scaling_arguments(data.target):
        reason = f"{' and '.join(arguments)} scale{'s' if len(arguments) == 1 else ''} them"
        fix = f"leave out {' and '.join(arguments)}"
        return Target("numbers", (), source, minimum=minimum, maximum=maximum, number_reason=reason, label_fix=fix)
    if column.type == "float" and not column.categories:
        reason = f"it has fractions, or more than {MAX_CATEGORIES} different numbers"
        return Target("numbers", (), source, minimum=minimum, maximum=maximum, number_reason=reason)
    values = tuple(column.categories) if column.categories else None
    counts_from_zero = values is not None and [int(value) for value in values] == list(range(len(values)))
    return Target("labels", (), source, values, counts_from_zero=counts_from_zero, minimum=minimum, maximum=maximum)
