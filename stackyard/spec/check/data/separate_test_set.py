"""Check a separate test dataset against the dataset that trains."""

from collections.abc import Mapping, Sequence

from stackyard.spec.check.data.splits import RowBound
from stackyard.spec.check.data.target_scaling import check_target_range
from stackyard.spec.check.fault_collector import FaultCollector, format_choices
from stackyard.spec.check.report import Task
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, TableData
from stackyard.spec.data.description import ColumnDescription, DatasetDescription, TableDescription
from stackyard.spec.data.used_columns import list_test_columns
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import format_value

_PATH = ("data", "test_dataset")
_NUMERIC_TYPES = ("integer", "float")


def check_test_table(
    data: TableData, table: TableDescription, test_dataset: DatasetDescription | None, faults: FaultCollector
) -> RowBound | None:
    """Add the faults of a separate test dataset, and return its rows after `drop_missing`; None without one."""
    if data.test_dataset is None:
        return None
    if data.split.test is not None:
        faults.add("expected one way to a test set, received a test_dataset and a split", "data", "split", "test")
    if test_dataset is None:
        return RowBound(0, is_exact=False)
    if not isinstance(test_dataset, TableDescription):
        faults.add("expected a table, as the dataset is one; received arrays", *_PATH)
        return RowBound(0, is_exact=False)
    _check_columns(data, table, test_dataset, faults)
    dropped = [column.name for column in test_dataset.columns if data.drops_rows_without(column.name)]
    rows = test_dataset.count_complete_rows(dropped)
    if rows == 0:
        faults.add("expected at least 1 row after drop_missing, received none", *_PATH)
    return RowBound(test_dataset.rows if rows is None else rows, is_exact=rows is not None)


def _check_columns(
    data: TableData, table: TableDescription, test_table: TableDescription, faults: FaultCollector
) -> None:
    columns = {column.name: column for column in table.columns}
    test_columns = {column.name: column for column in test_table.columns}
    categorical = {
        name
        for group in data.list_feature_groups(columns)
        for name in group.columns
        if group.transform in CATEGORICAL_TRANSFORMS
    }
    names = list_test_columns(data, table)
    for name in names:
        if name not in columns:
            continue  # the check of the dataset that trains reports it
        if name not in test_columns:
            message = f"expected a column {format_value(name)} as in the dataset, received none"
            faults.add_unknown_name(message, *_PATH, name=name, valid_names=test_columns)
        elif not _fits(columns[name], test_columns[name], is_categorical=name in categorical):
            received = _describe_values(test_columns[name])
            expected = f"expected {_describe_values(columns[name])} in {format_value(name)} as in the dataset"
            faults.add(f"{expected}, received {received}", *_PATH)
    if not isinstance(data.drop_missing, bool):
        for name in data.drop_missing:
            if name in columns and name not in test_columns:
                message = f"expected the column {format_value(name)} of drop_missing, received none"
                faults.add_unknown_name(message, *_PATH, name=name, valid_names=test_columns)
    _check_missing_values(data, columns, [test_columns[name] for name in names if name in test_columns], faults)
    for name in data.target.columns:
        if name in test_columns:
            source = f"the column {format_value(name)} of the test dataset"
            check_target_range(data.target, test_columns[name].minimum, source, faults)


def _check_missing_values(
    data: TableData,
    columns: Mapping[str, ColumnDescription],
    used_columns: Sequence[ColumnDescription],
    faults: FaultCollector,
) -> None:
    imputed = {
        name
        for group in data.list_feature_groups(columns)
        for name in group.columns
        if name in columns and data.get_column_imputation(group, columns[name]) is not None
    }
    for column in used_columns:
        if column.missing and column.name not in imputed and not data.drops_rows_without(column.name):
            message = f"expected no missing values in {format_value(column.name)} of the test dataset"
            fix = f'add {format_value(column.name)} to "drop_missing", or "impute" a feature'
            faults.add(f"{message}, received {column.missing}", *_PATH, fix=fix)


def _fits(column: ColumnDescription, test_column: ColumnDescription, *, is_categorical: bool) -> bool:
    if column.type not in _NUMERIC_TYPES:
        return test_column.type == column.type
    if test_column.type not in _NUMERIC_TYPES or test_column.stored_as != column.stored_as:
        return False
    return not is_categorical or test_column.type == "integer" or test_column.categories is not None


def _describe_values(column: ColumnDescription) -> str:
    if column.stored_as is not None:
        return f"{column.stored_as}s"
    if column.type in _NUMERIC_TYPES:
        return "numbers" if column.type == "float" and column.categories is None else "whole numbers"
    return {"text": "text", "boolean": "booleans"}.get(column.type, column.type)


def check_test_classes(
    spec: JobSpec, test_dataset: DatasetDescription | None, task: Task, faults: FaultCollector
) -> None:
    """Add a fault where the target of a separate test dataset has a value that is no class of the training."""
    if not isinstance(spec.data, TableData) or not isinstance(test_dataset, TableDescription) or task.classes is None:
        return
    test_columns = {column.name: column for column in test_dataset.columns}
    column = test_columns.get(spec.data.target.columns[0])
    if column is None:
        return
    classes = set(task.classes)
    unknown = [value for value in column.categories or () if value not in classes]
    if column.categories is None or unknown:
        received = format_value(unknown[0]) if unknown else "many different values"
        expected = f"expected only the classes of the dataset ({format_choices(map(str, task.classes))})"
        faults.add(f"{expected} in {format_value(column.name)} of the test dataset, received {received}", *_PATH)
