"""Columns that a spec names, against those that there are."""

from collections.abc import Iterator, Mapping

from stackyard.spec.check.faults import Faults
from stackyard.spec.check.inputs import Inputs, Target
from stackyard.spec.check.splits import Known, divide
from stackyard.spec.closed import suggest
from stackyard.spec.data import Features, TableData
from stackyard.spec.description import MAX_CATEGORIES, ColumnDescription, TableDescription
from stackyard.spec.pointers import Step
from stackyard.spec.problems import say

_Place = tuple[Step, ...]

_LISTED = 20
"""As many column names as an error repeats."""


def table_inputs(data: TableData, table: TableDescription, faults: Faults) -> Inputs:
    """Return what `data` takes from `table`, and note what `table` does not have."""
    columns = {column.name: column for column in table.columns}
    target = _target(data, columns, faults)
    width = _width(data, columns, faults)
    rows, most = divide(data.split, _rows(data, table), faults)
    return Inputs(None if width is None else (width,), target, rows, most)


def _rows(data: TableData, table: TableDescription) -> Known:
    missing = [column.missing for column in table.columns] if data.drop_missing else []
    most = table.rows - max(missing, default=0)
    return Known(most, exactly=not any(missing) or sum(map(bool, missing)) == 1)


def _find(
    name: str, columns: Mapping[str, ColumnDescription], place: _Place, faults: Faults
) -> ColumnDescription | None:
    if name in columns:
        return columns[name]
    near = suggest(name, columns)
    listed = ", ".join(list(columns)[:_LISTED]) + (", …" if len(columns) > _LISTED else "")
    faults.add(f"expected a column of the dataset ({listed}), received {say(name)}{near}", *place)
    return None


def _whole(column: ColumnDescription, data: TableData, place: _Place, faults: Faults) -> None:
    if column.missing and not data.drop_missing:
        lacks = f"expected no missing values in {say(column.name)}, received {column.missing}"
        faults.add(f'{lacks}: set "drop_missing": true to leave those rows out', *place)


def _width(data: TableData, columns: Mapping[str, ColumnDescription], faults: Faults) -> int | None:
    """Return how many numbers a row has, or None where a column of it is unfit."""
    if data.features is None:
        width = _every_column(data, columns, faults)
    else:
        width = _groups(data, data.features, columns, faults)
    if width == 0:
        faults.add("expected at least one feature, received none", "data", "features")
        return None
    return width


def _every_column(data: TableData, columns: Mapping[str, ColumnDescription], faults: Faults) -> int | None:
    names = [name for name in columns if name not in data.target.columns]
    fit = [_plain(columns[name], data, ("data",), faults) for name in names]
    return len(names) if all(fit) else None


def _plain(column: ColumnDescription, data: TableData, place: _Place, faults: Faults) -> bool:
    _whole(column, data, place, faults)
    if column.type != "text":
        return True
    fix = 'name the features and give it the transform "one_hot", or leave it out'
    faults.add(f"expected numbers for features, received text in {say(column.name)}: {fix}", *place)
    return False


def _groups(
    data: TableData, groups: tuple[Features, ...], columns: Mapping[str, ColumnDescription], faults: Faults
) -> int | None:
    seen: set[str] = set()
    widths: list[int | None] = []
    for group, name, place in _each(groups):
        column = _find(name, columns, place, faults)
        if name in data.target.columns:
            faults.add(f"expected no target among the features, received {say(name)}", *place)
        if name in seen:
            faults.add(f"expected each column once, received {say(name)} again", *place)
        seen.add(name)
        widths.append(None if column is None else _one(group, column, data, place, faults))
    known = [width for width in widths if width is not None]
    return sum(known) if len(known) == len(widths) else None


def _each(groups: tuple[Features, ...]) -> Iterator[tuple[Features, str, _Place]]:
    for index, group in enumerate(groups):
        for position, name in enumerate(group.columns):
            yield group, name, ("data", "features", index, "columns", position)


def _one(group: Features, column: ColumnDescription, data: TableData, place: _Place, faults: Faults) -> int | None:
    if group.transform != "one_hot":
        return 1 if _plain(column, data, place, faults) else None
    _whole(column, data, place, faults)
    return _categories(column, "one_hot", place, faults)


def _categories(column: ColumnDescription, why: str, place: _Place, faults: Faults) -> int | None:
    """Return how many values `column` has, where they are known."""
    if column.categories:
        return len(column.categories)
    wanted = f"expected at most {MAX_CATEGORIES} values, whole numbers, booleans or text, for {why}"
    has = "more of them" if column.type != "float" else "a column of fractions"
    none = "no value at all" if column.categories is not None else has
    faults.add(f"{wanted}; received {none} in {say(column.name)}", *place)
    return None


def _target(data: TableData, columns: Mapping[str, ColumnDescription], faults: Faults) -> Target | None:
    found: list[ColumnDescription] = []
    for name, place in _targets(data):
        column = _find(name, columns, place, faults)
        if column is not None:
            _whole(column, data, place, faults)
            found.append(column)
    if len(set(data.target.columns)) < len(data.target.columns):
        faults.add("expected each column once, received one more than once", "data", "target", "column")
        return None
    if len(found) < len(data.target.columns):
        return None
    return _single(data, found[0], faults) if len(found) == 1 else _several(data, found, faults)


def _targets(data: TableData) -> Iterator[tuple[str, _Place]]:
    place = ("data", "target", "column")
    if isinstance(data.target.column, str):
        yield data.target.column, place
        return
    for index, name in enumerate(data.target.column):
        yield name, (*place, index)


def _several(data: TableData, columns: list[ColumnDescription], faults: Faults) -> Target | None:
    if data.target.encode is not None:
        faults.add(f"expected one target column to encode, received {len(columns)}", "data", "target", "encode")
        return None
    texts = [column.name for column in columns if column.type == "text"]
    for name, place in _targets(data):
        if name in texts:
            faults.add(f"expected numbers where there are several targets, received text in {say(name)}", *place)
    return None if texts else Target("numbers", (len(columns),), f"{len(columns)} columns")


def _single(data: TableData, column: ColumnDescription, faults: Faults) -> Target | None:
    what = f"the column {say(column.name)}"
    scaled = [name for name in ("divide_by", "standard") if getattr(data.target, name)]
    if data.target.encode is None and column.type != "text":
        return _numbers(data, column, what)
    why = "a one-hot target" if data.target.encode else "a text target"
    for name in scaled:
        faults.add(f"expected no {name} beside {why}, which has no size to scale", "data", "target", name)
    classes = _categories(column, why, ("data", "target", "column"), faults)
    if classes is None:
        return None
    if data.target.encode:
        return Target("one_hot", (classes,), what, classes)
    return Target("labels", (), what, classes, counted=True, from_text=True, minimum=0, maximum=classes - 1)


def _numbers(data: TableData, column: ColumnDescription, what: str) -> Target:
    if data.target.standard:
        return Target("numbers", (), what)
    by = data.target.divide_by
    least, most = (None if bound is None else bound / (by or 1) for bound in (column.minimum, column.maximum))
    if by is not None or column.type == "float":
        return Target("numbers", (), what, minimum=least, maximum=most)
    values = column.categories
    counted = values is not None and [int(value) for value in values] == list(range(len(values)))
    classes = len(values) if values else None
    return Target("labels", (), what, classes, counted=counted, minimum=least, maximum=most)
