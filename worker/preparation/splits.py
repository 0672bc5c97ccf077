"""Which rows train, validate and test, by their positions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import model_selection

from stackyard.spec import ColumnSplit, GroupSplit, LastSplit, RandomSplit, Split, SplitMethod, TrainTestSplit
from worker.preparation.arrays import Array, PreparationError

_selection: Any = model_selection  # scikit-learn does not type what its functions return

Find = Callable[[str], Any]
"""Gives the values of every row in a column, or an array, that a split names: a Series or an array of one axis."""

_Sides = tuple[Array, Array]


@dataclass(frozen=True)
class Parts:
    """Positions of rows, each part in its own order; None where the spec has no such part."""

    train: Array
    validation: Array | None
    test: Array | None


def split_rows(split: Split, rows: int, seed: int, find: Find) -> Parts:
    """Set the test rows aside, then divide what is left.

    Args:
        split: of the spec.
        rows: how many there are.
        seed: for the methods that have none of their own.
        find: for the methods that go by values.

    Raises:
        PreparationError: a part would be empty, or cannot have what it is to have.

    """
    left: Array = np.arange(rows)
    _hold(left, "training", rows)
    left, test = _part(split.test, left, seed, find, "test")
    left, validation = _part(split.validation, left, seed, find, "validation")
    return Parts(left, validation, test)


def _part(method: SplitMethod | None, left: Array, seed: int, find: Find, name: str) -> tuple[Array, Array | None]:
    if method is None:
        return left, None

    def find_left(column: str) -> Any:
        values: Any = pd.Series(find(column))
        return values.iloc[left]

    train, others = divide(method, len(left), seed, find_left)
    return _hold(left[train], "training", len(left)), _hold(left[others], name, len(left))


def divide(method: SplitMethod, rows: int, seed: int, find: Find) -> _Sides:
    """Positions among `rows` of the ones that train and of the others, each in the order that the method gives.

    Raises:
        PreparationError: one side would be empty, or a class too small to be on both.

    """
    match method:
        case LastSplit():
            head = math.floor(rows * method.train_fraction)
            return np.arange(head), np.arange(head, rows)
        case ColumnSplit():
            return _by_column(method, find(method.column))
        case RandomSplit():
            return _sample(rows, method.train_fraction, _seed(method.seed, seed))
        case GroupSplit():
            return _by_group(method, find(method.column), _seed(method.seed, seed))
        case TrainTestSplit():
            return _train_test(method, rows, _seed(method.seed, seed), find)


def _seed(own: int | None, trainings: int) -> int:
    return trainings if own is None else own


def _by_column(method: ColumnSplit, values: Any) -> _Sides:
    # As JSON has them: to pandas, 1 is true.
    wanted = method.values  # noqa: PD011 no frame's, but the spec's
    matching = [value for value in wanted if isinstance(value, bool) == (values.dtype.kind == "b")]
    others: Array = values.isin(matching).to_numpy()
    return np.flatnonzero(~others), np.flatnonzero(others)


def _by_group(method: GroupSplit, groups: Any, seed: int) -> _Sides:
    splitter = _selection.GroupShuffleSplit(n_splits=1, train_size=method.train_fraction, random_state=seed)
    try:
        train, others = next(splitter.split(groups, groups=groups))
    except ValueError:
        raise PreparationError(
            f"The split by “{method.column}” leaves no group for training or for the rest."
        ) from None
    return train, others


def _train_test(method: TrainTestSplit, rows: int, seed: int, find: Find) -> _Sides:
    classes = None if method.stratify is None else find(method.stratify)
    try:
        train, others = _selection.train_test_split(
            np.arange(rows),
            train_size=method.train_fraction,
            random_state=seed if method.shuffle else None,
            shuffle=method.shuffle,
            stratify=classes,
        )
    except ValueError as error:
        if classes is None:
            raise PreparationError(_too_few(rows, "training or for the rest")) from None
        raise PreparationError(f"The rows cannot be stratified by “{method.stratify}”: {error}") from None
    return train, others


def _sample(rows: int, fraction: float, seed: int) -> _Sides:
    table: Any = pd.DataFrame(index=pd.RangeIndex(rows))
    train = table.sample(frac=fraction, random_state=seed)
    return train.index.to_numpy(), table.drop(train.index).index.to_numpy()


def _hold(positions: Array, name: str, rows: int) -> Array:
    if len(positions) == 0:
        raise PreparationError(_too_few(rows, name))
    return positions


def _too_few(rows: int, name: str) -> str:
    return f"The split of {rows:,} {'row' if rows == 1 else 'rows'} leaves none for {name}."
