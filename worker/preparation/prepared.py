"""What preparation makes."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.preparation.arrays import Array
from worker.preparation.inputs import FittedInputs
from worker.preparation.targets import FittedTarget


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
    inputs: FittedInputs
    target: FittedTarget
    x_validation: Array | None = None
    y_validation: Array | None = None
    x_test: Array | None = None
    y_test: Array | None = None
    weights: Array | None = None
    class_weight: Mapping[int, float] | None = None
