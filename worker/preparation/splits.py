"""Which rows train, validate and test, by their positions."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import model_selection

from stackyard.spec import LastSplit, RandomSplit, Split, SplitMethod
from worker.preparation.prepared import Array, PreparationError

_selection: Any = model_selection  # scikit-learn does not type what its functions return


@dataclass(frozen=True)
class Parts:
    """Positions of rows, each part in its own order; None where the spec has no such part."""

    train: Array
    validation: Array | None
    test: Array | None


def split_rows(split: Split, rows: int, seed: int) -> Parts:
    """Set the test rows aside, then divide what is left.

    Args:
        split: of the spec.
        rows: how many there are.
        seed: for the methods that have none of their own.

    Raises:
        PreparationError: a part would be empty.

    """
    left: Array = np.arange(rows)
    _hold(left, "training", rows)
    left, test = _part(split.test, left, seed, "test")
    left, validation = _part(split.validation, left, seed, "validation")
    return Parts(left, validation, test)


def _part(method: SplitMethod | None, left: Array, seed: int, name: str) -> tuple[Array, Array | None]:
    if method is None:
        return left, None
    train, others = divide(method, len(left), seed)
    return _hold(left[train], "training", len(left)), _hold(left[others], name, len(left))


def divide(method: SplitMethod, rows: int, seed: int) -> tuple[Array, Array]:
    """Positions among `rows` of the ones that train and of the others, each in the order that the method gives.

    Raises:
        PreparationError: one side would be empty.

    """
    if isinstance(method, LastSplit):
        head = math.floor(rows * method.train_fraction)
        return np.arange(head), np.arange(head, rows)
    chosen = method.seed if method.seed is not None else seed
    if isinstance(method, RandomSplit):
        return _sample(rows, method.train_fraction, chosen)
    try:
        train, others = _selection.train_test_split(
            np.arange(rows),
            train_size=method.train_fraction,
            random_state=chosen if method.shuffle else None,
            shuffle=method.shuffle,
        )
    except ValueError:
        raise PreparationError(_too_few(rows, "training or for the rest")) from None
    return train, others


def _sample(rows: int, fraction: float, seed: int) -> tuple[Array, Array]:
    table: Any = pd.DataFrame(index=pd.RangeIndex(rows))
    train = table.sample(frac=fraction, random_state=seed)
    return train.index.to_numpy(), table.drop(train.index).index.to_numpy()


def _hold(positions: Array, name: str, rows: int) -> Array:
    if len(positions) == 0:
        raise PreparationError(_too_few(rows, name))
    return positions


def _too_few(rows: int, name: str) -> str:
    return f"The split of {rows:,} {'row' if rows == 1 else 'rows'} leaves none for {name}."
