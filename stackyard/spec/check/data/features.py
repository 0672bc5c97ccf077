"""What a table's columns become as inputs."""

from collections.abc import Iterator

from stackyard.spec.check.data.columns import Columns, Place
from stackyard.spec.check.data.inputs import Range
from stackyard.spec.data.data import CATEGORICAL, Features, TableData
from stackyard.spec.data.description import ColumnDescription
from stackyard.spec.data.imputation import Constant
from stackyard.spec.reading.faults import say


def width(data: TableData, columns: Columns) -> int | None:
    """Return how many numbers a row has, or None where a column of it is unfit."""
    wide = _every_column(data, columns) if data.features is None else _groups(data, data.features, columns)
    if wide == 0:
        columns.faults.add("expected at least one feature, received none", "data", "features")
        return None
    return wide


def _every_column(data: TableData, columns: Columns) -> int | None:
    (group,) = data.groups(columns.by_name)
    widths = [_width(group, columns.by_name[name], data, ("data",), columns) for name in group.columns]
    return None if None in widths else len(widths)


def _groups(data: TableData, groups: tuple[Features, ...], columns: Columns) -> int | None:
    seen: set[str] = set()
    widths: list[int | None] = []
    for group, name, place in _each(groups):
        column = columns.find(name, place)
        if name in data.target.columns:
            columns.faults.add(f"expected no target among the features, received {say(name)}", *place)
        if name in seen:
            columns.faults.add(f"expected each column once, received {say(name)} again", *place)
        seen.add(name)
        widths.append(None if column is None else _width(group, column, data, place, columns))
    known = [width for width in widths if width is not None]
    return sum(known) if len(known) == len(widths) else None


def _each(groups: tuple[Features, ...]) -> Iterator[tuple[Features, str, Place]]:
    for index, group in enumerate(groups):
        for position, name in enumerate(group.columns):
            yield group, name, ("data", "features", index, "columns", position)


def _width(group: Features, column: ColumnDescription, data: TableData, place: Place, columns: Columns) -> int | None:
    """Return how many numbers a column becomes, and note what is in the way."""
    _filled(group, column, data, place, columns)
    if group.transform in CATEGORICAL:
        values = columns.categories(column, group.transform, place)
        return None if values is None else len(values) if group.transform == "one_hot" else 1
    if column.type == "text":
        fix = 'name the features and give it the transform "one_hot" or "ordinal", or leave it out'
        columns.faults.add(f"expected numbers for features, received text in {say(column.name)}", *place, fix=fix)
        return None
    return 1


def _filled(group: Features, column: ColumnDescription, data: TableData, place: Place, columns: Columns) -> None:
    """Note missing values that are neither left out nor filled, or cannot be filled as the spec says."""
    how = data.imputation(group)
    if how is None or data.drops(column.name):
        columns.whole(column, place, imputable=True)
        return
    if column.missing and (wanted := _unfit(data, group, column)):
        at = (*place[:-2], "impute") if group.impute is not None else ("data", "impute")
        columns.faults.add(f"expected {wanted} for {say(column.name)}, received {say(how.strategy)}", *at)


def _unfit(data: TableData, group: Features, column: ColumnDescription) -> str | None:
    """Return what is expected instead of the group's imputation, or None where it fits."""
    how = data.filling(group, column)
    if how is None:
        return '"most_frequent" or a "constant"'
    if not isinstance(how, Constant):
        return None
    value, valued = how.fill_value, group.transform in CATEGORICAL
    if valued and (type(value), value) not in {(type(one), one) for one in column.categories or ()}:
        return 'a fill_value that the column has, or "most_frequent",'
    return "a fill_value that is a number" if isinstance(value, str) and not valued else None


def ranges(data: TableData, columns: Columns) -> tuple[Range | None, ...]:
    """Return the least and the greatest value of each input, or None where it is scaled or not known."""
    groups = data.groups(columns.by_name)
    named = [(group, columns.by_name[name]) for group in groups for name in group.columns if name in columns.by_name]
    return tuple(_range(group, column) for group, column in named)


def _range(group: Features, column: ColumnDescription) -> Range | None:
    match group.transform:
        case "one_hot" | "minmax":
            return 0, 1
        case "ordinal":
            return None if column.categories is None else (0, len(column.categories) - 1)
        case "none" if column.minimum is not None and column.maximum is not None:
            return column.minimum, column.maximum
        case "none" if column.type == "boolean":
            return 0, 1
        case _:
            return None
