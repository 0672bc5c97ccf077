"""What a network is to predict: numbers, labels or one-hot classes; and back from its outputs to what they mean."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.preprocessing import StandardScaler

from stackyard.spec import ArrayDescription, ArrayTarget, ColumnDescription, Loss, TableTarget, Task
from stackyard.spec.training.losses import LABEL_LOSSES, SIGN_LOSSES
from worker.preparation.arrays import Array
from worker.preparation.transforms.columns import Columns
from worker.preparation.transforms.encoding import one_hot, places

_StandardScaler: Any = StandardScaler  # scikit-learn does not type what its methods return

_HALF = 0.5


class FittedTarget(BaseModel):
    """What targets and outputs mean; numbers and nothing else, so that it can be stored as JSON.

    `columns` are the target's names, one for each number of a row. `classes` is None but for a classification; there
    `link` makes shares of outputs, and `signs` says that the two classes are below and above 0. `divide_by` and then
    `mean` and `scale`, one for each column, say how numbers were scaled; `mean` is None where they were not.
    """

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...]
    kind: Literal["classification", "regression", "other"]
    classes: tuple[int | bool | str, ...] | None = None
    link: Literal["softmax", "sigmoid"] | None = None
    signs: bool = False
    divide_by: float = 1.0
    mean: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None

    def scores(self, outputs: Array) -> Array | None:
        """Each class's share as the network sees it, float64 of shape (rows, classes); None where it gives none.

        Args:
            outputs: of a classifier, of shape (rows, classes), or (rows, 1) where one output tells two apart.

        """
        if self.signs:
            return None
        numbers = _LINKS[self.link](outputs.astype(np.float64)) if self.link else outputs.astype(np.float64)
        return np.concatenate([1 - numbers, numbers], axis=1) if numbers.shape[1] == 1 else numbers

    def labels(self, outputs: Array) -> Array:
        """The likeliest class's place among the classes; int64 of shape (rows,)."""
        if outputs.shape[1] > 1:
            return outputs.argmax(axis=1)
        threshold = 0.0 if self.signs or self.link == "sigmoid" else _HALF
        return (outputs[:, 0] > threshold).astype(np.int64)

    def places(self, y: Array) -> Array:
        """The true class's place among the classes, of targets as they are trained on; int64 of shape (rows,)."""
        if y.ndim > 1 and y.shape[1] > 1:
            return y.argmax(axis=1)
        return (y.reshape(-1) > 0).astype(np.int64) if self.signs else y.reshape(-1).astype(np.int64)

    def values(self, numbers: Array) -> Array:
        """Targets as they are trained on, or outputs, in the target's own units; float64 of shape (rows, columns)."""
        own = numbers.reshape(len(numbers), -1).astype(np.float64)
        if self.mean is not None and self.scale is not None:
            own = own * np.array(self.scale) + np.array(self.mean)
        return own * self.divide_by

    def scaled(self, numbers: Any) -> Any:
        """Numbers as they are trained on; the other way of `values`."""
        if self.divide_by != 1.0:
            numbers = numbers / self.divide_by
        return numbers if self.mean is None else (numbers - np.array(self.mean)) / np.array(self.scale)


def _softmax(outputs: Array) -> Array:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _sigmoid(outputs: Array) -> Array:
    with np.errstate(over="ignore"):  # the exponential of a great number is infinite, and the share 0
        return 1 / (1 + np.exp(-outputs))


_LINKS = {"softmax": _softmax, "sigmoid": _sigmoid}


def fit_table(
    rows: Columns, target: TableTarget, columns: Mapping[str, ColumnDescription], loss: Loss, task: Task
) -> FittedTarget:
    """What a table's targets mean.

    Args:
        rows: the training rows, which `standard` is fitted on.
        target: of the spec.
        columns: descriptions of the dataset's columns, by name.
        loss: of the spec.
        task: as `stackyard.spec.check` found it.

    """
    if _labelled(target, columns):
        return _fit(target.columns, loss, task)
    return _fit(target.columns, loss, task, target, (frame.astype("float64") for frame in rows(target.columns)))


def of_table(
    frame: Any, target: TableTarget, columns: Mapping[str, ColumnDescription], fitted: FittedTarget, loss: Loss
) -> Array:
    """The targets of some rows.

    Args:
        frame: the rows' columns, the target's among them.
        target: of the spec.
        columns: descriptions of the dataset's columns, by name.
        fitted: what `fit_table` made.
        loss: of the spec; some want labels as whole numbers.

    Raises:
        PreparationError: a value is not one of its column's categories.

    """
    column = columns[target.columns[0]]
    if _labelled(target, columns):
        found = places(frame[column.name], column.categories or [], column.name)
        return _classes(found, target.encode, len(column.categories or ()), loss)
    numbers = fitted.scaled(frame[list(target.columns)].astype("float64"))
    if len(target.columns) > 1:
        return numbers.to_numpy(np.float32)
    plain = target.divide_by is None and not target.standard and column.type != "float"
    whole = plain and isinstance(loss, LABEL_LOSSES)
    return numbers.iloc[:, 0].to_numpy(np.int64 if whole else np.float32)


def fit_array(
    rows: Callable[[], Iterable[Array]], target: ArrayTarget, described: ArrayDescription, loss: Loss, task: Task
) -> FittedTarget:
    """What an array's targets mean.

    Args:
        rows: gives the training rows, of which each array has some columns, as (rows, columns).
        target: of the spec.
        described: the array, with the classes that there are.
        loss: of the spec.
        task: as `stackyard.spec.check` found it.

    """
    if target.encode is not None:
        return _fit((described.name,), loss, task)
    size = math.prod(described.shape[1:])
    names = (described.name,) if size == 1 else tuple(f"{described.name}[{place}]" for place in range(size))
    return _fit(names, loss, task, target, (pd.DataFrame(some) for some in rows()))


def of_array(
    values: Array, target: ArrayTarget, described: ArrayDescription, fitted: FittedTarget, loss: Loss
) -> Array:
    """The targets of some rows of an array, or of the test pair's, whose classes are those that `described` lists.

    Raises:
        PreparationError: a value is not one of them.

    """
    if target.encode is not None:
        categories = described.categories or []
        return _classes(places(values, categories, described.name), "one_hot", len(categories), loss)
    plain = fitted.divide_by == 1.0 and fitted.mean is None
    if plain and isinstance(loss, LABEL_LOSSES) and values.dtype.kind in "biu":
        return values.astype(np.int64)
    if plain:
        return values.astype(np.float32)
    flat: Array = fitted.scaled(values.reshape(len(values), -1).astype(np.float64))
    return flat.reshape(values.shape).astype(np.float32)


def _labelled(target: TableTarget, columns: Mapping[str, ColumnDescription]) -> bool:
    return target.encode is not None or columns[target.columns[0]].type == "text"


def _fit(
    columns: Sequence[str],
    loss: Loss,
    task: Task,
    target: TableTarget | ArrayTarget | None = None,
    train: Iterable[Any] = (),
) -> FittedTarget:
    standard = target is not None and target.standard
    by = 1.0 if target is None or target.divide_by is None else target.divide_by
    scalers = [_StandardScaler().fit(rows / by if by != 1.0 else rows) for rows in train] if standard else []
    return FittedTarget(
        columns=tuple(columns),
        kind=task.kind,
        classes=task.classes,
        link=link_of(loss),
        signs=isinstance(loss, SIGN_LOSSES),
        divide_by=by,
        mean=tuple(mean for scaler in scalers for mean in scaler.mean_.tolist()) if standard else None,
        scale=tuple(scale for scaler in scalers for scale in scaler.scale_.tolist()) if standard else None,
    )


def link_of(loss: Loss) -> Literal["softmax", "sigmoid"] | None:
    """What makes shares of the outputs, where the loss and not the network does it."""
    if not getattr(loss, "from_logits", False):
        return None
    return "sigmoid" if loss.type.startswith("Binary") else "softmax"


def _classes(found: Array, encode: str | None, classes: int, loss: Loss) -> Array:
    if encode is not None:
        return one_hot(found, classes)
    return found if isinstance(loss, LABEL_LOSSES) else found.astype(np.float32)
