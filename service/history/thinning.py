"""Fewer epochs that still show what a curve does.

Min-max aggregation: the epochs are cut into buckets of equal length, and of each bucket those stay at which a metric
has its least and its greatest value. Without them a spike that lasts one epoch would vanish from the picture. The
first and the last epoch stay as well, as in M4, of which this is the cheaper half: U. Jugel, Z. Jerzak,
G. Hackenbroich and V. Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

Column = Sequence[float]


def least(metrics: int) -> int:
    """The smallest number of epochs that what must stay fits into: both ends, and three epochs of each metric."""
    return 2 + 3 * metrics


def thin(columns: Sequence[Column], rows: int, most: int) -> list[int]:
    """Choose which rows stay.

    Args:
        columns: one for each metric, of `rows` numbers each; NaN and the infinities may be among them.
        rows: how many there are.
        most: how many may stay; at least `least(len(columns))`.

    Returns:
        Places in the columns, ascending, at most `most` of them: all where there are no more; else the first, the
        last, each metric's first value that is not finite, and its least and greatest value in every bucket.

    Raises:
        ValueError: `most` is too small.

    """
    if most < least(len(columns)):
        raise ValueError(f"expected room for at least {least(len(columns))} rows, received {most}")
    if rows <= most:
        return list(range(rows))
    buckets = (most - 2 - len(columns)) // (2 * len(columns)) if columns else 1
    kept = {0, rows - 1}
    for column in columns:
        kept.update(_first_nonfinite(column))
        kept.update(_extremes(column, rows, buckets))
    return sorted(kept)


def _first_nonfinite(column: Column) -> Iterator[int]:
    places = (place for place, number in enumerate(column) if not math.isfinite(number))
    yield from islice(places, 1)


def _extremes(column: Column, rows: int, buckets: int) -> Iterator[int]:
    for bucket in range(buckets):
        start, end = bucket * rows // buckets, (bucket + 1) * rows // buckets
        values = column[start:end]
        finite = [number for number in values if math.isfinite(number)]
        if finite:
            yield start + values.index(min(finite))
            yield start + values.index(max(finite))
