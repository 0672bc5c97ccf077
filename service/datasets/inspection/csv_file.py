"""What a CSV file holds, as `pandas.read_csv` would find it."""

from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.inspection.column_findings import ColumnFindings, Kind, check_finite, describe_table
from service.datasets.inspection.csv_records import Block, CsvRecords
from service.datasets.inspection.invalid_file import Refused

_KINDS: dict[str, Kind] = {"Int64": "integer", "Float64": "float", "boolean": "boolean"}


def describe(path: Path, _memory: int) -> dict[str, Any]:
    """A `stackyard.spec` TableDescription, as JSON.

    A column's type is decided over the whole file: integers among floats are floats, and what is not all of one
    type otherwise is text. Integers with missing values are integers. Whole numbers beyond 64 bits are text:
    they are names of things, which a float would run together.

    Raises:
        Refused: the file is not CSV that every reader reads alike, or has no rows, or has infinite values.

    """
    as_text: set[str] = set()
    while True:
        rows, columns = _read(path, as_text)
        mixed = {column.name for column in columns if column.mixed}
        if not mixed:
            return describe_table(rows, columns)
        as_text |= mixed


def _read(path: Path, as_text: Collection[str]) -> tuple[int, Sequence[ColumnFindings]]:
    with path.open("rb") as file:
        records = CsvRecords(file)
        columns = [ColumnFindings(name) for name in records.names]
        rows = 0
        for block in records.blocks():
            frame: Any = _parse(block, records.names, as_text)
            for column in columns:
                _see(column, frame[column.name], block.lines)
            rows += len(frame)
        return rows, columns


def _parse(block: Block, names: Sequence[str], as_text: Collection[str]) -> pd.DataFrame:
    where = f"from line {block.lines[0]:,} on"
    try:
        # Nullable types keep integers apart from floats where values are missing.
        frame = pd.read_csv(
            BytesIO(block.data),
            dtype=dict.fromkeys(as_text, "string"),
            dtype_backend="numpy_nullable",
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        if "out of memory" in str(error):
            raise MemoryError from error
        raise Refused(f"The rows {where} cannot be read: {error}.") from None
    if list(frame.columns) != list(names) or len(frame) != len(block.lines):
        raise Refused(f"The rows {where} cannot be told apart: readers would not agree where one ends.")
    return frame


def _see(column: ColumnFindings, values: Any, lines: Sequence[int]) -> None:
    kind = _KINDS.get(str(values.dtype), "text")
    missing = int(values.isna().sum())
    if kind == "text":
        distinct = values.dropna().unique() if column.listing else values.dropna().head(1)
        present = np.asarray(distinct, dtype=object)
        # pandas leaves numbers beyond 64 bits as they were written and the missing ones among them empty.
        column.mixed = column.mixed or "" in present or str(values.dtype) == "UInt64"
    else:
        present = values.dropna().to_numpy()
    if kind == "float":
        check_finite(values.to_numpy(dtype=np.float64, na_value=np.nan), column.name, lines, "line")
    column.see(kind, missing, present)
