"""Refuse rows with inputs that an Embedding cannot look up."""

from collections.abc import Sequence

import numpy as np

from stackyard.spec.reading.faults import format_value
from worker.prediction.feature_columns import FeatureColumn
from worker.prediction.feature_table import FeatureTable
from worker.prediction.row_faults import RowFaults
from worker.preparation.arrays import Array
from worker.preparation.lookups import mask_invalid_indices


def check_lookup_inputs(x: Array, vocabulary_size: int, table: FeatureTable | None) -> None:
    """Require that all inputs are whole numbers from 0 to below `vocabulary_size`.

    Args:
        x: the inputs, of shape (rows, ...).
        vocabulary_size: the number of values that the Embedding knows.
        table: the table that the inputs are from; None for arrays.

    Raises:
        InvalidRowsError: it has the location of each fault.

    """
    expected = f"expected a whole number from 0 to {vocabulary_size - 1}, which the network looks up"
    positions: list[list[int]] = np.argwhere(mask_invalid_indices(x, vocabulary_size)).tolist()
    if not positions:
        return
    if table is None:
        _report_numbers(x, positions, expected)
    else:
        _report_cells(table, positions, expected)


def _report_numbers(x: Array, positions: Sequence[Sequence[int]], expected: str) -> None:
    faults = RowFaults()
    for row, *index in positions:
        value = float(x[(row, *index)])
        faults.add_at_row(f"{expected}; received {value:g}", row, *index, received=value)
    faults.raise_if_any()


def _report_cells(table: FeatureTable, positions: Sequence[Sequence[int]], expected: str) -> None:
    faults = RowFaults(table.lines)
    features = [feature for feature in table.features for _ in range(feature.width)]
    for row, index in positions:
        feature = features[index]
        value = table.values[feature.name][row]
        message = f"{_describe_categories(feature) or expected}; received {format_value(value)}"
        faults.add_at_row(message, row, feature.name, received=value)
    faults.raise_if_any()


def _describe_categories(feature: FeatureColumn) -> str | None:
    if not feature.is_categorical:
        return None
    count = len(feature.column.categories or ())
    return f"expected one of the {count} values that {format_value(feature.name)} had, as the network looks it up"
