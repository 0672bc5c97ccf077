"""Convert a dataset's target to numbers, labels or one-hot classes, and a network's outputs back to target values."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.preprocessing import StandardScaler

from stackyard.spec import ArrayDescription, ArrayTarget, ColumnDescription, Loss, TableTarget, Task
from stackyard.spec.data.data import TargetTransform
from stackyard.spec.training.losses import LABEL_LOSSES, SIGN_LOSSES
from worker.preparation.arrays import Array
from worker.preparation.transforms.column_reader import ColumnReader
from worker.preparation.transforms.encoding import encode_as_indices, encode_one_hot

_StandardScaler: Any = StandardScaler  # scikit-learn's return types are untyped

_THRESHOLD = 0.5


class FittedTarget(BaseModel):
    """The meaning of targets and outputs, as plain values that can be stored as JSON.

    `columns` are the target's names, one for each number of a row. `classes` is None unless the task is a
    classification. There `link` turns outputs into probabilities, and `signs` is true if the two classes are below
    and above 0. Numbers were replaced by their logarithm if `transform` is not None, then divided by `divide_by`,
    then standardized by `mean` and `scale`, one for each column; `mean` is None without standardization.
    """

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...]
    kind: Literal["classification", "regression", "other"]
    classes: tuple[int | bool | str, ...] | None = None
    link: Literal["softmax", "sigmoid"] | None = None
    signs: bool = False
    transform: TargetTransform | None = None
    divide_by: float = 1.0
    mean: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None

    def compute_scores(self, outputs: Array) -> Array | None:
        """Return each class's probability, float64 of shape (rows, classes); None if the loss defines none.

        Args:
            outputs: of a classifier, of shape (rows, classes), or (rows, 1) for two classes.

        """
        if self.signs:
            return None
        numbers = _LINKS[self.link](outputs.astype(np.float64)) if self.link else outputs.astype(np.float64)
        return np.concatenate([1 - numbers, numbers], axis=1) if numbers.shape[1] == 1 else numbers

    def predict_class_indices(self, outputs: Array) -> Array:
        """Return the index of the most likely class; int64 of shape (rows,)."""
        if outputs.shape[1] > 1:
            return outputs.argmax(axis=1)
        threshold = 0.0 if self.signs or self.link == "sigmoid" else _THRESHOLD
        return (outputs[:, 0] > threshold).astype(np.int64)

    def to_class_indices(self, y: Array) -> Array:
        """Return the index of the true class, from targets as the network is trained on; int64 of shape (rows,)."""
        if y.ndim > 1 and y.shape[1] > 1:
            return y.argmax(axis=1)
        return (y.reshape(-1) > 0).astype(np.int64) if self.signs else y.reshape(-1).astype(np.int64)

    @property
    def has_scaling(self) -> bool:
        """Whether `apply_scaling` changes numbers."""
        return self.transform is not None or self.divide_by != 1.0 or self.mean is not None

    def undo_scaling(self, numbers: Array) -> Array:
        """Return outputs, or targets as trained on, in the dataset's units; float64 of shape (rows, columns)."""
        values = numbers.reshape(len(numbers), -1).astype(np.float64)
        if self.mean is not None and self.scale is not None:
            values = values * np.array(self.scale) + np.array(self.mean)
        values = values * self.divide_by
        if self.transform is None:
            return values
        with np.errstate(over="ignore"):  # a large exponential is infinite, and the result names it
            return _INVERSE_TRANSFORMS[self.transform](values)

    def apply_scaling(self, numbers: Any) -> Any:
        """Return numbers as the network is trained on; the inverse of `undo_scaling`."""
        if self.transform is not None:
            numbers = _TRANSFORMS[self.transform](numbers)
        if self.divide_by != 1.0:
            numbers = numbers / self.divide_by
        return numbers if self.mean is None else (numbers - np.array(self.mean)) / np.array(self.scale)


def _softmax(outputs: Array) -> Array:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _sigmoid(outputs: Array) -> Array:
    with np.errstate(over="ignore"):  # a large exponential is infinite, and the result 0
        return 1 / (1 + np.exp(-outputs))


_TRANSFORMS: Mapping[TargetTransform, Callable[[Any], Any]] = {"log": np.log, "log1p": np.log1p}
_INVERSE_TRANSFORMS: Mapping[TargetTransform, Callable[[Any], Any]] = {"log": np.exp, "log1p": np.expm1}
_LINKS = {"softmax": _softmax, "sigmoid": _sigmoid}


def fit_table_target(
    read_columns: ColumnReader, target: TableTarget, columns: Mapping[str, ColumnDescription], loss: Loss, task: Task
) -> FittedTarget:
    """Fit a table's target.

    Args:
        read_columns: reads columns of the training rows, for standardization.
        target: of the spec.
        columns: descriptions of the dataset's columns, by name.
        loss: of the spec.
        task: as returned by `stackyard.spec.check`.

    """
    if _is_labeled(target, columns):
        return _fit_target(target.columns, loss, task)
    return _fit_target(
        target.columns, loss, task, target, (frame.astype("float64") for frame in read_columns(target.columns))
    )


def build_table_targets(
    frame: Any, target: TableTarget, columns: Mapping[str, ColumnDescription], fitted: FittedTarget, loss: Loss
) -> Array:
    """Return the targets of some rows.

    Args:
        frame: the rows, with at least the target's columns.
        target: of the spec.
        columns: descriptions of the dataset's columns, by name.
        fitted: the result of `fit_table_target`.
        loss: of the spec; some losses take integer labels.

    Raises:
        PreparationError: a value is not one of its column's categories.

    """
    column = columns[target.columns[0]]
    if _is_labeled(target, columns):
        indices = encode_as_indices(frame[column.name], column.categories or [], column.name)
        return _encode_classes(indices, target.encode, len(column.categories or ()), loss)
    numbers = fitted.apply_scaling(frame[list(target.columns)].astype("float64"))
    if len(target.columns) > 1:
        return numbers.to_numpy(np.float32)
    is_label = not fitted.has_scaling and isinstance(loss, LABEL_LOSSES)
    return numbers.iloc[:, 0].to_numpy(np.int64 if is_label else np.float32)


def fit_array_target(
    read_columns: Callable[[], Iterable[Array]],
    target: ArrayTarget,
    description: ArrayDescription,
    loss: Loss,
    task: Task,
) -> FittedTarget:
    """Fit an array's target.

    Args:
        read_columns: reads the training rows, as arrays of shape (rows, columns) with some of the columns each.
        target: of the spec.
        description: of the array, with its classes.
        loss: of the spec.
        task: as returned by `stackyard.spec.check`.

    """
    if target.encode is not None:
        return _fit_target((description.name,), loss, task)
    size = math.prod(description.shape[1:])
    names = (description.name,) if size == 1 else tuple(f"{description.name}[{index}]" for index in range(size))
    # A logarithm in the array's own type may be rounded to 32 bits or fewer.
    dtype = None if target.transform is None else "float64"
    frames = (pd.DataFrame(columns, dtype=dtype) for columns in read_columns())
    return _fit_target(names, loss, task, target, frames)


def build_array_targets(
    values: Array, target: ArrayTarget, description: ArrayDescription, fitted: FittedTarget, loss: Loss
) -> Array:
    """Return the targets of some rows of an array, or of the test pair's array.

    Raises:
        PreparationError: a value is not one of the classes that `description` lists.

    """
    if target.encode is not None:
        categories = description.categories or []
        return _encode_classes(
            encode_as_indices(values, categories, description.name), "one_hot", len(categories), loss
        )
    if not fitted.has_scaling:
        return values.astype(np.int64 if isinstance(loss, LABEL_LOSSES) else np.float32)
    flat: Array = fitted.apply_scaling(values.reshape(len(values), -1).astype(np.float64))
    return flat.reshape(values.shape).astype(np.float32)


def _is_labeled(target: TableTarget, columns: Mapping[str, ColumnDescription]) -> bool:
    return target.encode is not None or columns[target.columns[0]].type == "text"


def _fit_target(
    columns: Sequence[str],
    loss: Loss,
    task: Task,
    target: TableTarget | ArrayTarget | None = None,
    training_rows: Iterable[Any] = (),
) -> FittedTarget:
    is_standardized = target is not None and target.standard
    fitted = FittedTarget(
        columns=tuple(columns),
        kind=task.kind,
        classes=task.classes,
        link=get_link(loss),
        signs=isinstance(loss, SIGN_LOSSES),
        transform=None if target is None else target.transform,
        divide_by=1.0 if target is None or target.divide_by is None else target.divide_by,
    )
    if not is_standardized:
        return fitted
    scalers = [_StandardScaler().fit(fitted.apply_scaling(rows)) for rows in training_rows]
    mean = tuple(mean for scaler in scalers for mean in scaler.mean_.tolist())
    return fitted.model_copy(
        update={"mean": mean, "scale": tuple(scale for scaler in scalers for scale in scaler.scale_.tolist())}
    )


def get_link(loss: Loss) -> Literal["softmax", "sigmoid"] | None:
    """Return the function that turns outputs into probabilities, if the loss applies it and not the network."""
    if not getattr(loss, "from_logits", False):
        return None
    return "sigmoid" if loss.type.startswith("Binary") else "softmax"


def _encode_classes(indices: Array, encode: str | None, class_count: int, loss: Loss) -> Array:
    if encode is not None:
        return encode_one_hot(indices, class_count)
    return indices if isinstance(loss, LABEL_LOSSES) else indices.astype(np.float32)
