"""Warnings that follow from the values of a table."""

from collections.abc import Iterator

from stackyard.spec.check.data.features import iterate_feature_columns
from stackyard.spec.check.data.table_warnings import find_table_warnings
from stackyard.spec.check.likely_mistakes.likely_mistake import LikelyMistake
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import DatasetDescription, TableDescription
from stackyard.spec.data.split import LastSplit, RandomSplit, SplitMethod, TrainTestSplit
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import format_value

_MIN_CATEGORIES = 10
"""A column with fewer values is no identifier, however few rows there are."""
_MAX_SHARE_OF_ROWS = 0.5
"""A column with more values than this share of the rows has mostly values of one row."""


def find_data_advice(spec: JobSpec, dataset: DatasetDescription) -> Iterator[LikelyMistake]:
    """Yield a warning for each likely mistake that the description of a table shows."""
    if isinstance(spec.data, TableData) and isinstance(dataset, TableDescription):
        yield from find_table_warnings(spec.data, dataset)
        yield from _check_identifiers(spec.data, dataset)
        yield from _check_sorted_rows(spec.data, dataset)


def _check_identifiers(data: TableData, table: TableDescription) -> Iterator[LikelyMistake]:
    columns = {column.name: column for column in table.columns}
    for group, name, path in iterate_feature_columns(data.list_feature_groups(columns)):
        count = len(columns[name].categories or ()) if group.transform == "one_hot" else 0
        if count >= _MIN_CATEGORIES and count > _MAX_SHARE_OF_ROWS * table.rows:
            message = (
                f"{format_value(name)} has {count} values in {table.rows} rows, "
                "so most of its one_hot inputs are 1 in a single row"
            )
            yield "one_hot_nearly_unique", path, message, "leave it out of the features"


def _check_sorted_rows(data: TableData, table: TableDescription) -> Iterator[LikelyMistake]:
    sorted_names = [column.name for column in table.columns if column.is_sorted and column.name in data.target.columns]
    if not sorted_names:
        return
    for name, method in (("test", data.split.test), ("validation", data.split.validation)):
        if isinstance(method, RandomSplit) or (isinstance(method, TrainTestSplit) and method.shuffle):
            return  # it also shuffles the rows that remain for the next split
        if _holds_out_last_rows(method):
            message = (
                f"the rows are sorted by {format_value(sorted_names[0])}, so the last ones have other values of it"
            )
            fix = 'use the method "random", or "train_test_split" with shuffle'
            yield "sorted_rows", ("data", "split", name), message, fix


def _holds_out_last_rows(method: SplitMethod | None) -> bool:
    return isinstance(method, LastSplit) or (isinstance(method, TrainTestSplit) and not method.shuffle)
