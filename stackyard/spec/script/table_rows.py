"""Write the lines that read the rows of a table, and leave out those that lack values."""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import TableDescription, TimeKind
from stackyard.spec.script.column_types import LARGE_INTEGER_TYPE, list_read_types
from stackyard.spec.script.origin import DatasetOrigin
from stackyard.spec.script.python_source import (
    Expression,
    build_call,
    build_literal_dict,
    build_literal_list,
    format_assignment,
    format_literal,
)
from stackyard.spec.script.script_builder import ScriptBuilder

_PLAIN_COLUMNS: Expression = '{"ignore_metadata": True}'
"""Options of pyarrow with which an index that pandas stored is a column, as for the worker."""

_DAY_EXPRESSIONS: Mapping[TimeKind, tuple[str, str, str]] = {
    "date": (
        "dates",
        'pd.to_datetime({frame}[name], format="ISO8601", utc=True).dt.as_unit("us")',
        '(dates - pd.Timestamp("1970-01-01", tz="UTC"))',
    ),
    "time": ("times", 'pd.to_timedelta({frame}[name].map(str, na_action="ignore")).dt.as_unit("us")', "times"),
    "duration": ("durations", 'pd.to_timedelta({frame}[name]).dt.as_unit("us")', "durations"),
}
"""By what a column has: a variable, the expression for it, and the expression that is divided by a day."""


def write_loading(
    script: ScriptBuilder, origin: DatasetOrigin, table: TableDescription, names: Sequence[str], frame: str, index: int
) -> None:
    """Write the lines that read a table.

    Args:
        script: The script to extend.
        origin: The source of the rows.
        table: The description of the dataset.
        names: The columns that the spec uses.
        frame: The name of the variable.
        index: The position of the file among the arguments of the script, from 1.
    """
    if origin.builtin is not None:
        script.import_name("sklearn.datasets", f"load_{origin.builtin}")
        script.start_block(f"{frame} = load_{origin.builtin}(as_frame=True).frame")
    else:
        script.import_modules("sys", "pandas as pd")
        _write_reading(script, origin, table, list_read_types(table, names), frame, f"sys.argv[{index}]")
        _write_days(script, table, frame)
    nullable_booleans = {
        column.name: "boolean" for column in table.columns if column.type == "boolean" and column.missing
    }
    if nullable_booleans:
        script.add_lines(f"{frame} = {frame}.astype({format_literal(nullable_booleans)})")


def _write_reading(
    script: ScriptBuilder,
    origin: DatasetOrigin,
    table: TableDescription,
    types: Mapping[str, str],
    frame: str,
    path: Expression,
) -> None:
    arguments = _build_arguments(table)
    if origin.format == "parquet":
        arguments["to_pandas_kwargs"] = _PLAIN_COLUMNS
    elif types:
        arguments["dtype"] = build_literal_dict(types)
    script.start_block(format_assignment(frame, build_call(f"pd.read_{origin.format}", path, **arguments)))
    integers = [name for name, kind in types.items() if kind == LARGE_INTEGER_TYPE]
    if origin.format == "parquet" and integers:
        columns = build_literal_list(integers)
        nullable = {"dtype_backend": '"numpy_nullable"', "to_pandas_kwargs": _PLAIN_COLUMNS}
        call = build_call("pd.read_parquet", path, columns=columns, **nullable)
        script.add_lines(format_assignment("integers", call), f"{frame}[integers.columns] = integers")


def _build_arguments(table: TableDescription) -> dict[str, Expression]:
    """Return the arguments with which pandas reads the file; `columns` leaves out those that it cannot read."""
    names = [column.name for column in table.columns]
    arguments = {} if table.csv is None else table.csv.build_file_arguments(names)
    readable = [column.name for column in table.columns if column.type != "unsupported"]
    if len(readable) < len(names):
        arguments["columns"] = readable
    return {name: _format_argument(value) for name, value in arguments.items()}


def _format_argument(value: object) -> Expression:
    return build_literal_list(cast("list[str]", value)) if isinstance(value, list) else format_literal(value)


def _write_days(script: ScriptBuilder, table: TableDescription, frame: str) -> None:
    """Write the lines that convert dates, times and durations to days, with the expressions of the worker."""
    for kind, (variable, expression, days) in _DAY_EXPRESSIONS.items():
        names = [column.name for column in table.columns if column.stored_as == kind]
        if names:
            script.add_lines(
                f"for name in {format_literal(names)}:",
                f"    {variable} = {expression.format(frame=frame)}",
                f"    {frame}[name] = {days} / pd.Timedelta(days=1)",
            )


def write_dropping(
    script: ScriptBuilder,
    data: TableData,
    table: TableDescription,
    names: Sequence[str],
    categorical: Collection[str],
    frame: str,
) -> None:
    """Write the lines that leave out rows, and convert the types that scikit-learn would round.

    Args:
        script: The script to extend.
        data: The data section of the spec.
        table: The description of the dataset.
        names: The columns that the spec uses.
        categorical: The features whose values are categories.
        frame: The name of the variable.
    """
    if data.drop_missing is True:
        script.add_lines(f"{frame} = {frame}.dropna()")
    elif data.drop_missing:
        subset = build_literal_list(data.drop_missing)
        script.add_lines(format_assignment(frame, build_call(f"{frame}.dropna", subset=subset)))
    large = {column.name for column in table.columns if column.missing and column.has_large_integers}
    used = [name for name in names if name in large]
    if complete := {name: "int64" for name in used if data.drops_rows_without(name)}:
        script.add_lines(f"{frame} = {frame}.astype({format_literal(complete)})")
    for name in used:
        if name in categorical and name not in complete:
            column = f"{frame}[{format_literal(name)}]"
            script.add_lines(f'{column} = {column}.astype(object).where({column}.notna(), float("nan"))')
