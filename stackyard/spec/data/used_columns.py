"""List the columns of a table that a spec uses."""

from stackyard.spec.data.data import ArrayData, TableData
from stackyard.spec.data.description import TableDescription
from stackyard.spec.data.split import TrainTestSplit


def list_used_columns(data: TableData, table: TableDescription) -> list[str]:
    """Return the names of the columns that become features or targets, or weigh or split the rows."""
    columns_by_name = {column.name: column for column in table.columns}
    inputs = [name for group in data.list_feature_groups(columns_by_name) for name in group.columns]
    return list(dict.fromkeys([*inputs, *data.reserved_columns, *list_stratified(data)]))


def list_test_columns(data: TableData, table: TableDescription) -> list[str]:
    """Return the columns that a separate test dataset needs: those of the features and of the target.

    Args:
        data: The data section of a spec.
        table: The dataset that trains.
    """
    columns_by_name = {column.name: column for column in table.columns}
    inputs = [name for group in data.list_feature_groups(columns_by_name) for name in group.columns]
    return list(dict.fromkeys([*inputs, *data.target.columns]))


def list_columns_to_drop(data: TableData, table: TableDescription) -> list[str]:
    """Return the columns whose missing values the job needs to drop: the used ones that are not imputed.

    Columns that `drop_missing` lists are kept.
    """
    columns_by_name = {column.name: column for column in table.columns}
    listed = () if isinstance(data.drop_missing, bool) else data.drop_missing
    imputed = {
        name
        for group in data.list_feature_groups(columns_by_name)
        for name in group.columns
        if name in columns_by_name and data.get_column_imputation(group, columns_by_name[name]) is not None
    }
    needed = [*listed, *(name for name in list_used_columns(data, table) if name not in imputed)]
    return [name for name in dict.fromkeys(needed) if name in columns_by_name and columns_by_name[name].missing]


def list_stratified(data: TableData | ArrayData) -> list[str]:
    """Return the columns or arrays that splits stratify by."""
    names = [method.stratify for method in data.split.methods if isinstance(method, TrainTestSplit)]
    return [name for name in names if name is not None]
