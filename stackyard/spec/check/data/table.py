"""A table's part of a spec: the target, the weights and the rows that there are."""

from collections.abc import Iterator

from stackyard.spec.check.data.columns import Columns, Place
from stackyard.spec.check.data.features import ranges, width
from stackyard.spec.check.data.inputs import Inputs, Target, scaled
from stackyard.spec.check.data.splits import Known, Splits
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription
from stackyard.spec.reading.faults import say


def table_inputs(data: TableData, table: TableDescription, faults: Faults) -> Inputs:
    """Return what `data` takes from `table`, and note what `table` does not have."""
    columns = Columns(data, table, faults)
    target = _target(data, columns)
    wide = width(data, columns)
    _weight(data, columns)
    _dropped(data, columns)
    rows, most = Splits(columns.deciding, faults).divide(data.split, _rows(data, table))
    return Inputs(None if wide is None else (wide,), target, rows, most, ranges(data, columns))


def _rows(data: TableData, table: TableDescription) -> Known:
    missing = [column.missing for column in table.columns if data.drops(column.name)]
    most = table.rows - max(missing, default=0)
    return Known(most, exactly=sum(map(bool, missing)) <= 1)


def _dropped(data: TableData, columns: Columns) -> None:
    if not isinstance(data.drop_missing, bool):
        for index, name in enumerate(data.drop_missing):
            columns.find(name, ("data", "drop_missing", index))


def _weight(data: TableData, columns: Columns) -> None:
    place = ("data", "sample_weight")
    column = None if data.sample_weight is None else columns.find(data.sample_weight, place)
    if column is None:
        return
    columns.whole(column, place)
    if column.name in data.target.columns:
        columns.faults.add(f"expected another column than the target, received {say(column.name)}", *place)
    elif column.type not in ("integer", "float"):
        columns.faults.add(f"expected a column of numbers, received {column.type} in {say(column.name)}", *place)
    elif column.minimum is not None and column.minimum < 0:
        least = f"received {column.minimum:g} in {say(column.name)}"
        columns.faults.add(f"expected weights of at least 0, {least}", *place)


def _target(data: TableData, columns: Columns) -> Target | None:
    found: list[ColumnDescription] = []
    for name, place in _targets(data):
        column = columns.find(name, place)
        if column is not None:
            columns.whole(column, place)
            found.append(column)
    if len(set(data.target.columns)) < len(data.target.columns):
        columns.faults.add("expected each column once, received one more than once", "data", "target", "column")
        return None
    if len(found) < len(data.target.columns):
        return None
    return _single(data, found[0], columns) if len(found) == 1 else _several(data, found, columns.faults)


def _targets(data: TableData) -> Iterator[tuple[str, Place]]:
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
    names = tuple(column.name for column in columns)
    return None if texts else Target("numbers", (len(columns),), f"{len(columns)} columns", names)


def _single(data: TableData, column: ColumnDescription, columns: Columns) -> Target | None:
    what = f"the column {say(column.name)}"
    if data.target.encode is None and column.type != "text":
        return _numbers(data, column, what)
    why = "a one-hot target" if data.target.encode else "a text target"
    for name in scaled(data.target):
        columns.faults.add(f"expected no {name} beside {why}, which has no size to scale", "data", "target", name)
    values = columns.categories(column, why, ("data", "target", "column"))
    if values is None:
        return None
    if data.target.encode:
        return Target("one_hot", (len(values),), what, values)
    return Target("labels", (), what, values, counted=True, from_text=True, minimum=0, maximum=len(values) - 1)


def _numbers(data: TableData, column: ColumnDescription, what: str) -> Target:
    if data.target.standard:
        return Target("numbers", (), what)
    by = data.target.divide_by
    least, most = (None if bound is None else bound / (by or 1) for bound in (column.minimum, column.maximum))
    if by is not None or column.type == "float":
        return Target("numbers", (), what, minimum=least, maximum=most)
    values = tuple(column.categories) if column.categories else None
    counted = values is not None and [int(value) for value in values] == list(range(len(values)))
    return Target("labels", (), what, values, counted=counted, minimum=least, maximum=most)
