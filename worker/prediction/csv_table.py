"""Rows of a table that come as CSV: cut into records and read as a dataset's are, with pandas' missing values."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.inspection.csv_records import Block, CsvRecords
from service.datasets.inspection.invalid_file import Refused as NotCsv
from stackyard.spec import Problem
from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import suggest
from worker.prediction.columns import Feature, Value
from worker.prediction.row_faults import Findings, Refused
from worker.prediction.table import Table

_pandas: Any = pd  # its functions are typed in part

_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
"""As `pandas.read_csv` knows them."""


def read(text: bytes, features: Sequence[Feature]) -> Table:
    """The values of each feature. Other columns may be there and are not looked at.

    Args:
        text: UTF-8 with a header line.
        features: the columns that are needed.

    Raises:
        Refused: with everything that is wrong; of records that are not as long as the header, with the first.

    """
    try:
        records = CsvRecords(BytesIO(text))
        _check_header(records.names, features)
        blocks = [(_cells(block, features), block.lines) for block in records.blocks()]
    except NotCsv as error:
        raise Refused([Problem(pointer="", message=str(error))]) from None
    if not blocks:
        raise Refused([Problem(pointer="", message="expected at least one row below the header, received none")])
    lines = [line for _, numbers in blocks for line in numbers]
    cells: Any = _pandas.concat([frame for frame, _ in blocks], ignore_index=True)
    findings = Findings(lines)
    values = {one.name: one.read(_typed(cells[one.name], one), findings) for one in features}
    findings.refuse()
    return Table(values, lines)


def _check_header(names: Sequence[str], features: Sequence[Feature]) -> None:
    findings = Findings()
    others = set(names) - {feature.name for feature in features}
    for feature in features:
        if feature.name not in names:
            message = f"expected a column {say(feature.name)} in the header, received none"
            findings.add(message, fix=suggest(feature.name, others))
    findings.refuse()


def _cells(block: Block, features: Sequence[Feature]) -> Any:
    """A block's cells of the features as they were written, NaN where pandas takes one for missing."""
    names = [feature.name for feature in features]
    where = f"from line {block.lines[0]} on"
    try:
        frame = _pandas.read_csv(BytesIO(block.data), usecols=names, dtype="str", low_memory=False)
    except pd.errors.ParserError as error:
        raise NotCsv(f"The rows {where} cannot be read: {error}.") from None
    if len(frame) != len(block.lines):
        raise NotCsv(f"The rows {where} cannot be told apart: readers would not agree where one ends.")
    return frame


def _typed(cells: Any, feature: Feature) -> list[Value]:
    """The cells as JSON would have them; text stays where nothing else can be read."""
    present = cells[cells.notna()].astype("object")
    match feature.column.type:
        case "text":
            read = present
        case "boolean":
            read = present.replace(_BOOLEANS)
        case "integer" | "float":
            numbers = _pandas.to_numeric(present, errors="coerce")
            read = numbers.astype("object").where(np.isfinite(numbers), present)
    values: list[Value] = [None] * len(cells)
    for row, value in zip(read.index.tolist(), read.tolist(), strict=True):
        values[row] = value
    return values
