"""What a network is to predict: numbers, labels or one-hot classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from stackyard.spec import ArrayDescription, ArrayTarget, ColumnDescription, Loss, TableTarget
from stackyard.spec.losses import LABEL_LOSSES
from worker.preparation.encoding import one_hot, places
from worker.preparation.prepared import Array

_StandardScaler: Any = StandardScaler  # scikit-learn does not type what its methods return


def of_table(
    frame: pd.DataFrame,
    target: TableTarget,
    columns: Mapping[str, ColumnDescription],
    train: Array,
    loss: Loss,
) -> Array:
    """The targets of every row.

    Args:
        frame: the rows that are left.
        target: of the spec.
        columns: descriptions of the dataset's columns, by name.
        train: positions of the training rows, which `standard` is fitted on.
        loss: of the spec; some want labels as whole numbers.

    Raises:
        PreparationError: a value is not one of its column's categories.

    """
    described = [columns[name] for name in target.columns]
    values: Any = frame
    if target.encode is not None or described[0].type == "text":
        return _classes(values[described[0].name], target.encode, described[0].categories or [], loss)
    numbers: Any = values[list(target.columns)].astype("float64")
    if target.divide_by is not None:
        numbers /= target.divide_by
    if target.standard:
        numbers = pd.DataFrame(_StandardScaler().fit(numbers.iloc[train]).transform(numbers))
    if len(described) > 1:
        return numbers.to_numpy(np.float32)
    plain = target.divide_by is None and not target.standard and described[0].type != "float"
    whole = plain and isinstance(loss, LABEL_LOSSES)
    return numbers.iloc[:, 0].to_numpy(np.int64 if whole else np.float32)


def of_array(values: Array, target: ArrayTarget, described: ArrayDescription, loss: Loss) -> Array:
    """The targets of every row of an array, whose classes are those that `described` lists.

    Raises:
        PreparationError: a value is not one of them.

    """
    if target.encode is not None:
        return _classes(values, target.encode, described.categories or [], loss, described.name)
    if isinstance(loss, LABEL_LOSSES) and values.dtype.kind in "biu":
        return values.astype(np.int64)
    return values.astype(np.float32)


def _classes(
    values: Any,
    encode: str | None,
    categories: Sequence[int | bool | str],
    loss: Loss,
    name: str | None = None,
) -> Array:
    found = places(values, categories, str(values.name) if name is None else name)
    if encode is not None:
        return one_hot(found, len(categories))
    return found if isinstance(loss, LABEL_LOSSES) else found.astype(np.float32)
