"""Check the data section of a spec against a table: the target, the row weights and the number of rows."""

from collections.abc import Iterator
from dataclasses import replace

from stackyard.spec.check.data.columns import ColumnFinder, SpecPath, find_single_row_value
from stackyard.spec.check.data.features import count_features, list_feature_ranges
from stackyard.spec.check.data.resolved_data import ResolvedData, Target, list_scaling_arguments
from stackyard.spec.check.data.splits import RowBound, SplitChecker
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription
from stackyard.spec.reading.faults import format_value


def resolve_table_data(data: TableData, table: TableDescription, faults: FaultCollector) -> ResolvedData:
    """Return the inputs and the target that `data` takes from `table`, and add the faults."""
    columns = ColumnFinder(data, table, faults)
    target = _resolve_target(data, columns)
    feature_count = count_features(data, columns)
    _check_sample_weight(data, columns)
    _check_drop_missing(data, columns)
    rows, max_train_rows = SplitChecker(columns.find_split_key, faults).count_rows(
        data.split, _count_rows(data, table)
    )
    shape = None if feature_count is None else (feature_count,)
    if target is not None and len(data.target.columns) == 1 and target.kind != "numbers":
        column = columns.by_name[data.target.columns[0]]
        target = replace(target, single_row_value=find_single_row_value(column))
    return ResolvedData(shape, target, rows, max_train_rows, list_feature_ranges(data, columns))


def _count_rows(data: TableData, table: TableDescription) -> RowBound:
    """Return the rows that are not dropped: exact if only one column has missing values, and otherwise a bound."""
    missing = [column.missing for column in table.columns if data.drops_rows_without(column.name)]
    most = table.rows - max(missing, default=0)
    return RowBound(most, is_exact=sum(map(bool, missing)) <= 1)


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
    return None if text_names else Target("numbers", (len(columns),), f"{len(columns)} columns", names)


def _build_single_target(data: TableData, column: ColumnDescription, columns: ColumnFinder) -> Target | None:
    source = f"the column {format_value(column.name)}"
    if data.target.encode is None and column.type != "text":
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
    if data.target.standard:
        return Target("numbers", (), source)
    divisor = data.target.divide_by
    minimum, maximum = (
        None if bound is None else bound / (divisor or 1) for bound in (column.minimum, column.maximum)
    )
    if divisor is not None or column.type == "float":
        return Target("numbers", (), source, minimum=minimum, maximum=maximum)
    values = tuple(column.categories) if column.categories else None
    counts_from_zero = values is not None and [int(value) for value in values] == list(range(len(values)))
    return Target("labels", (), source, values, counts_from_zero=counts_from_zero, minimum=minimum, maximum=maximum)
