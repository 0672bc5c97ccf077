"""What preparation makes, and how it says that it cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from worker.preparation.inputs import FittedInputs
    from worker.preparation.targets import FittedTarget

Array = np.ndarray[Any, Any]


class PreparationError(Exception):
    """The rows cannot be made into what the spec asks for; the message is a sentence for the job's owner."""


@dataclass(frozen=True)
class Prepared:
    """Rows for training, validation and test; the latter two are None where the spec has no such part.

    Each `x` is float32 of shape (rows, *input). Each `y` has as many rows: int64 labels for a loss that takes them,
    else float32; of shape (rows,) for a single number, (rows, k) for several or for one-hot classes. `weights` are
    float32 of shape (rows,) for the training rows, `class_weight` is by class as Keras's `fit` takes it; there is at
    most one of the two. `inputs` and `target` are what was fitted, by which more rows can be prepared in the same way.
    """

    x_train: Array
    y_train: Array
    inputs: "FittedInputs"
    target: "FittedTarget"
    x_validation: Array | None = None
    y_validation: Array | None = None
    x_test: Array | None = None
    y_test: Array | None = None
    weights: Array | None = None
    class_weight: Mapping[int, float] | None = None


def check_finite(array: Array, what: str) -> Array:
    """Give `array` back.

    Raises:
        PreparationError: it has NaN or an infinity, perhaps only since it is float32.

    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PreparationError(f"The {what} have values that are missing, infinite, or too large for float32.")
    return array
