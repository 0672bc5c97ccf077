"""Split rows into training, validation and test subsets, by row position."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import model_selection

from stackyard.spec import ColumnSplit, GroupSplit, LastSplit, RandomSplit, Split, SplitMethod, TrainTestSplit
from worker.preparation.arrays import Array, PreparationError

_selection: Any = model_selection  # scikit-learn's return types are untyped

ReadColumn = Callable[[str], Any]
"""Reads a column, or an array with one axis, that a split names; returns a Series or an array with every row."""

_TrainAndRest = tuple[Array, Array]


@dataclass(frozen=True)
class SplitIndices:
    """Row positions of each subset, in the subset's order; None if the spec has no such subset."""

    train: Array
    validation: Array | None
    test: Array | None


def split_rows(split: Split, row_count: int, seed: int, read_column: ReadColumn) -> SplitIndices:
    """Hold out the test rows, then split the others into training and validation rows.

    Args:
        split: of the spec.
        row_count: number of rows.
        seed: for methods that have no seed of their own.
        read_column: reads the values that a method splits by.

    Raises:
        PreparationError: a subset is empty, or the method cannot be applied to these rows.

    """
    remaining: Array = np.arange(row_count)
    _require_rows(remaining, "training", row_count)
    remaining, test = _hold_out(split.test, remaining, seed, read_column, "test")
    remaining, validation = _hold_out(split.validation, remaining, seed, read_column, "validation")
    return SplitIndices(remaining, validation, test)


def _hold_out(
    method: SplitMethod | None, remaining: Array, seed: int, read_column: ReadColumn, subset: str
) -> tuple[Array, Array | None]:
    if method is None:
        return remaining, None

    def read_remaining(column: str) -> Any:
        values: Any = pd.Series(read_column(column))
        return values.iloc[remaining]

    train, rest = apply_split_method(method, len(remaining), seed, read_remaining)
    return (
        _require_rows(remaining[train], "training", len(remaining)),
        _require_rows(remaining[rest], subset, len(remaining)),
    )


def apply_split_method(method: SplitMethod, row_count: int, seed: int, read_column: ReadColumn) -> _TrainAndRest:
    """Return the positions of the training rows and of the rest, each in the order that the method gives.

    Raises:
        PreparationError: one side is empty, or a class is too small to be stratified.

    """
    match method:
        case LastSplit():
            train_count = math.floor(row_count * method.train_fraction)
            return np.arange(train_count), np.arange(train_count, row_count)
        case ColumnSplit():
            return _split_by_column(method, read_column(method.column))
        case RandomSplit():
            return _split_randomly(row_count, method.train_fraction, _choose_seed(method.seed, seed))
        case GroupSplit():
            return _split_by_group(method, read_column(method.column), _choose_seed(method.seed, seed))
        case TrainTestSplit():
            return _split_train_test(method, row_count, _choose_seed(method.seed, seed), read_column)


def _choose_seed(method_seed: int | None, training_seed: int) -> int:
    return training_seed if method_seed is None else method_seed


def _split_by_column(method: ColumnSplit, values: Any) -> _TrainAndRest:
    # To pandas, 1 equals True; in JSON they differ.
    spec_values = method.values  # noqa: PD011 a field of the spec, not of a frame
    matching = [value for value in spec_values if isinstance(value, bool) == (values.dtype.kind == "b")]
    is_rest: Array = values.isin(matching).to_numpy()
    return np.flatnonzero(~is_rest), np.flatnonzero(is_rest)


def _split_by_group(method: GroupSplit, groups: Any, seed: int) -> _TrainAndRest:
    splitter = _selection.GroupShuffleSplit(n_splits=1, train_size=method.train_fraction, random_state=seed)
    try:
        train, rest = next(splitter.split(groups, groups=groups))
    except ValueError:
        raise PreparationError(
            f"The split by “{method.column}” leaves no group for training or for the rest."
        ) from None
    return train, rest


def _split_train_test(method: TrainTestSplit, rows: int, seed: int, read_column: ReadColumn) -> _TrainAndRest:
    classes = None if method.stratify is None else read_column(method.stratify)
    try:
        train, rest = _selection.train_test_split(
            np.arange(rows),
            train_size=method.train_fraction,
            random_state=seed if method.shuffle else None,
            shuffle=method.shuffle,
            stratify=classes,
        )
    except ValueError:
        if classes is None:
            raise PreparationError(_format_empty_subset(rows, "training or for the rest")) from None
        raise PreparationError(_explain_stratification(method, rows, classes)) from None
    return train, rest


def _explain_stratification(method: TrainTestSplit, rows: int, classes: Any) -> str:
    """Return why scikit-learn cannot stratify: a value has one row, or one side has fewer rows than values."""
    values: Any = pd.Series(classes)
    counts = values.value_counts()
    start = f"The {rows:,} rows cannot be stratified by “{method.stratify}”: "
    if counts.min() < 2:  # noqa: PLR2004  # one row for each side
        return f"{start}“{counts.idxmin()}” has a single row, which cannot be on both sides."
    return f"{start}one side would have fewer rows than the {len(counts)} values."


def _split_randomly(rows: int, fraction: float, seed: int) -> _TrainAndRest:
    table: Any = pd.DataFrame(index=pd.RangeIndex(rows))
    train = table.sample(frac=fraction, random_state=seed)
    return train.index.to_numpy(), table.drop(train.index).index.to_numpy()


def _require_rows(positions: Array, subset: str, rows: int) -> Array:
    if len(positions) == 0:
        raise PreparationError(_format_empty_subset(rows, subset))
    return positions


def _format_empty_subset(rows: int, subset: str) -> str:
    return f"The split of {rows:,} {'row' if rows == 1 else 'rows'} leaves none for {subset}."
