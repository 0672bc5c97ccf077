"""Choose fewer epochs that still show the shape of a curve.

The method is min-max aggregation: the epochs are divided into buckets of equal length. Each bucket keeps the epochs at
which a metric has its minimum and its maximum; otherwise a spike of one epoch would vanish from the chart. The first
and the last epoch stay as well, as in M4, of which this is the cheaper half: U. Jugel, Z. Jerzak, G. Hackenbroich and
V. Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

Column = Sequence[float]


def compute_min_rows(metric_count: int) -> int:
    """Return the smallest number of epochs that can be asked for: both ends, and three epochs of each metric."""
    return 2 + 3 * metric_count


def choose_row_indices(columns: Sequence[Column], row_count: int, max_rows: int) -> list[int]:
    """Choose the rows that stay.

    Args:
        columns: one for each metric, of `row_count` numbers each; NaN and infinities are allowed.
        row_count: the number of rows.
        max_rows: the largest number of rows to return; at least `compute_min_rows(len(columns))`.

    Returns:
        The indices of at most `max_rows` rows, ascending. If there are no more rows, all of them. Otherwise the first,
        the last, each metric's first value that is not finite, and its minimum and maximum in every bucket.

    Raises:
        ValueError: `max_rows` is too small.

    """
    if max_rows < compute_min_rows(len(columns)):
        raise ValueError(f"expected room for at least {compute_min_rows(len(columns))} rows, received {max_rows}")
    if row_count <= max_rows:
        return list(range(row_count))
    bucket_count = (max_rows - 2 - len(columns)) // (2 * len(columns)) if columns else 1
    indices = {0, row_count - 1}
    for column in columns:
        indices.update(_find_first_nonfinite(column))
        indices.update(_find_extremes(column, row_count, bucket_count))
    return sorted(indices)


def _find_first_nonfinite(column: Column) -> Iterator[int]:
    indices = (index for index, number in enumerate(column) if not math.isfinite(number))
    yield from islice(indices, 1)


def _find_extremes(column: Column, row_count: int, bucket_count: int) -> Iterator[int]:
    for bucket in range(bucket_count):
        start, end = bucket * row_count // bucket_count, (bucket + 1) * row_count // bucket_count
        values = column[start:end]
        finite_values = [number for number in values if math.isfinite(number)]
        if finite_values:
            yield start + values.index(min(finite_values))
            yield start + values.index(max(finite_values))
