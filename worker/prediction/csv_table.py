"""Read a table's rows from CSV: parsed like a dataset's rows, with pandas's missing values."""

from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.inspection.csv_records import CsvBlock, CsvReader
from service.datasets.inspection.invalid_file import InvalidFileError as InvalidCsv
from stackyard.spec import CsvFormat, Fault
from stackyard.spec.reading.faults import format_value
from worker.prediction.feature_columns import CellValue, FeatureColumn
from worker.prediction.feature_table import FeatureTable
from worker.prediction.row_faults import InvalidRowsError, RowFaults

_pandas: Any = pd  # partly untyped

_WHOLE_NUMBER = r"[+-]?[0-9]{1,40}"
_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
"""The texts that `pandas.read_csv` reads as booleans."""


def read_csv_table(
    text: bytes, features: Sequence[FeatureColumn], dataset_format: CsvFormat | None = None
) -> FeatureTable:
    """Read the values of each feature. Other columns are ignored.

    Rows have a header line, even if the dataset's file has none. They have the dataset's delimiter and decimal point,
    or commas and points if only those fit the header. The dataset's words for missing values apply to both.

    Args:
        text: UTF-8 with a header line.
        features: the columns that are needed.
        dataset_format: the format of the dataset's CSV file; None for other files.

    Raises:
        InvalidRowsError: the rows are invalid; it has all faults, except that only the first record of a wrong length
            is reported.

    """
    try:
        csv_format, records = _open_records(text, features, dataset_format or CsvFormat())
        _check_header(records.column_names, features)
        blocks = [(_read_cells(block, features, csv_format), block.lines) for block in records.iterate_blocks()]
    except InvalidCsv as error:
        raise InvalidRowsError([Fault(pointer="", message=str(error))]) from None
    if not blocks:
        raise InvalidRowsError(
            [Fault(pointer="", message="expected at least one row below the header, received none")]
        )
    lines = [line for _, block_lines in blocks for line in block_lines]
    cells: Any = _pandas.concat([frame for frame, _ in blocks], ignore_index=True)
    faults = RowFaults(lines)
    values = {
        feature.name: feature.read_values(_convert_cells(cells[feature.name], feature, csv_format), faults)
        for feature in features
    }
    faults.raise_if_any()
    return FeatureTable(features, values, lines)


def _open_records(
    text: bytes, features: Sequence[FeatureColumn], dataset_format: CsvFormat
) -> tuple[CsvFormat, CsvReader]:
    """Return the format of the rows, and their reader."""
    names = {feature.name for feature in features}
    own_format = dataset_format.model_copy(update={"header": True, "compression": None})
    plain_format = own_format.model_copy(update={"delimiter": ",", "decimal": "."})
    for csv_format in (own_format, plain_format):
        with suppress(InvalidCsv):
            records = CsvReader(BytesIO(text), csv_format)
            if names <= set(records.column_names):
                return csv_format, records
    return own_format, CsvReader(BytesIO(text), own_format)


def _check_header(names: Sequence[str], features: Sequence[FeatureColumn]) -> None:
    faults = RowFaults()
    present_names = set(names)
    other_names = present_names - {feature.name for feature in features}
    for feature in features:
        if feature.name not in present_names:
            message = f"expected a column {format_value(feature.name)} in the header, received none"
            faults.add(message, fix=faults.suggest_name(feature.name, other_names))
    faults.raise_if_any()


def _read_cells(block: CsvBlock, features: Sequence[FeatureColumn], csv_format: CsvFormat) -> Any:
    """Return a block's cells of the features as text, NaN where pandas sees a missing value."""
    names = [feature.name for feature in features]
    location = f"from line {block.lines[0]} on"
    try:
        arguments = csv_format.build_parser_arguments()
        frame = _pandas.read_csv(BytesIO(block.data), usecols=names, dtype="str", low_memory=False, **arguments)
    except ValueError as error:  # also of pandas's parser
        raise InvalidCsv(f"The rows {location} cannot be read: {error}.") from None
    if len(frame) != len(block.lines):
        raise InvalidCsv(f"The rows {location} are ambiguous: CSV readers disagree on where a row ends.")
    return frame


def _convert_cells(cells: Any, feature: FeatureColumn, csv_format: CsvFormat) -> list[CellValue]:
    """Return the cells as in JSON; a cell that is not of the feature's type stays text."""
    present = cells[cells.notna()].astype("object")
    match feature.column.type:
        case "text":
            converted = present
        case "boolean":
            converted = present.replace(_BOOLEANS)
        case "integer" | "float":
            numbers = _pandas.to_numeric(_replace_decimals(present, csv_format), errors="coerce")
            converted = numbers.astype("object").where(np.isfinite(numbers), present)
            if feature.takes_integers_only:  # pandas rounds large ones if another cell has a fraction
                exact = present[present.str.fullmatch(_WHOLE_NUMBER)].map(int)
                converted.loc[exact.index] = exact.astype("object")
            # pandas compares numbers, too: with the word -9, the field -9.0 is missing among floats.
            is_missing = numbers.isin(_list_missing_numbers(csv_format)) & (feature.column.type == "float")
            converted = converted.mask(is_missing, None)
        case "unsupported":
            converted = present
    values: list[CellValue] = [None] * len(cells)
    for row, value in zip(converted.index.tolist(), converted.tolist(), strict=True):
        values[row] = value
    return values


def _replace_decimals(cells: Any, csv_format: CsvFormat) -> Any:
    """Return numbers with decimal points; where the format has a comma, those with a point are not numbers."""
    if csv_format.decimal == ".":
        return cells
    return cells.where(~cells.str.contains(".", regex=False)).str.replace(",", ".", regex=False)


def _list_missing_numbers(csv_format: CsvFormat) -> Sequence[float]:
    numbers = (_parse_number(word) for word in csv_format.missing_values)
    return [number for number in numbers if number is not None]


def _parse_number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
