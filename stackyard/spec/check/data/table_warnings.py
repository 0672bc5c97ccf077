"""Warnings about the use of a table's columns."""

import json
from collections.abc import Iterator

from stackyard.spec.check.likely_mistakes.likely_mistake import LikelyMistake
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription
from stackyard.spec.data.used_columns import list_columns_to_drop, list_used_columns
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment


def find_table_warnings(data: TableData, table: TableDescription) -> Iterator[LikelyMistake]:
    """Yield a warning for each probable mistake in the use of the columns."""
    yield from _check_similar_texts(data, table)
    yield from _check_dropped_rows(data, table)


def _check_similar_texts(data: TableData, table: TableDescription) -> Iterator[LikelyMistake]:
    columns_by_name = {column.name: column for column in table.columns}
    for path, name in _list_categorical_columns(data, columns_by_name):
        pair = _find_similar_texts(columns_by_name[name]) if name in columns_by_name else None
        if pair is not None:
            values = f"{format_value(pair[0])} and {format_value(pair[1])}"
            message = f"{values} in {format_value(name)} differ only in spaces, and count as two values"
            fix = f"remove the spaces, as with `data[{format_value(name)}].str.strip()` in pandas, and upload the file"
            yield "values_differ_in_spaces", path, message, fix


def _list_categorical_columns(
    data: TableData, columns_by_name: dict[str, ColumnDescription]
) -> list[tuple[tuple[PathSegment, ...], str]]:
    """Return the columns whose values are categories, each with its path in the spec."""
    names: list[tuple[tuple[PathSegment, ...], str]] = [
        (("data", "target", "column"), name) for name in data.target.columns
    ]
    for index, group in enumerate(data.list_feature_groups(columns_by_name)):
        if group.transform in CATEGORICAL_TRANSFORMS:
            path = ("data", "features", index, "columns")
            names += [((*path, position), name) for position, name in enumerate(group.columns)]
    return names


def describe_similar_texts(column: ColumnDescription) -> str:
    """Return a remark on two texts of the column that differ only in spaces, or nothing if there are none."""
    pair = _find_similar_texts(column)
    if pair is None:
        return ""
    values = f"{format_value(pair[0])} and {format_value(pair[1])}"
    return f" (in which {values} differ only in spaces: if they mean the same, upload the file without the spaces)"


def _find_similar_texts(column: ColumnDescription) -> tuple[str, str] | None:
    texts_by_words: dict[str, str] = {}
    for text in column.categories or ():
        if isinstance(text, str):
            other = texts_by_words.setdefault(" ".join(text.split()), text)
            if other != text:
                return other, text
    return None


def _check_dropped_rows(data: TableData, table: TableDescription) -> Iterator[LikelyMistake]:
    """Warn of rows that `drop_missing` drops for columns that the job does not use."""
    if data.drop_missing is not True:
        return
    used = set(list_used_columns(data, table))
    unused = [column.name for column in table.columns if column.missing and column.name not in used]
    names = list_columns_to_drop(data, table)
    remaining = table.count_complete_rows([column.name for column in table.columns])
    needed = table.count_complete_rows(names)
    if remaining is None or needed is None or remaining == needed or not unused:
        return
    message = (
        f"drop_missing drops {table.rows - remaining} of {table.rows} rows, {needed - remaining} of them "
        f"only for columns that the job does not use, such as {format_value(unused[0])}"
    )
    value = json.dumps(names, ensure_ascii=False) if names else "false"
    yield "rows_dropped_for_unused_columns", ("data", "drop_missing"), message, f'set "drop_missing": {value}'
