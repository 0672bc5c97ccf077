"""Read a table's rows from JSON objects."""

from collections.abc import Mapping, Sequence
from typing import cast

from stackyard.spec.reading.faults import format_value
from worker.prediction.feature_columns import MISSING, FeatureColumn
from worker.prediction.feature_table import FeatureTable
from worker.prediction.row_faults import RowFaults


def read_json_table(rows: Sequence[object], features: Sequence[FeatureColumn]) -> FeatureTable:
    """Read the values of each feature. Other columns are ignored.

    Args:
        rows: as in JSON.
        features: the columns that are needed.

    Raises:
        InvalidRowsError: the rows are invalid; it has all faults.

    """
    faults = RowFaults()
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            faults.add_at_row(f"expected an object with a value for each column, received {format_value(row)}", index)
    faults.raise_if_any()
    objects = cast("Sequence[Mapping[str, object]]", rows)
    names = {feature.name for feature in features}
    values = {
        feature.name: feature.read_values(_read_column(objects, feature.name, names, faults), faults)
        for feature in features
    }
    faults.raise_if_any()
    return FeatureTable(features, values)


def _read_column(
    rows: Sequence[Mapping[str, object]], name: str, feature_names: set[str], faults: RowFaults
) -> Sequence[object]:
    values = [row.get(name, MISSING) for row in rows]
    rows_without = [index for index, value in enumerate(values) if value is MISSING]
    if rows_without:
        # A generator, because only the first few faults search the names.
        other_names = (other for other in rows[rows_without[0]] if other not in feature_names)
        similar_name = faults.suggest_name(name, other_names)
        for index in rows_without:
            faults.add_at_row(f"expected a value for {format_value(name)}, received none", index, fix=similar_name)
    return values
