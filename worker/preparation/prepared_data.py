"""The arrays that preparation produces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stackyard.spec import Training
from worker.preparation.arrays import Array
from worker.preparation.plan import BuildRows, PreparationPlan
from worker.preparation.transforms import class_weights
from worker.preparation.transforms.array_inputs import FittedInputs
from worker.preparation.transforms.targets import FittedTarget

StoreArray = Callable[[str, Array, BuildRows], Array]
"""Builds the rows at some positions and returns them as a read-only array; the name is a field of `PreparedData`."""


@dataclass(frozen=True)
class PreparedData:
    """Rows for training, validation and test; fields of a subset that the spec does not have are None.

    Each `x` is float32 of shape (rows, *input). Each `y` has as many rows: int64 labels for a loss that takes labels,
    else float32. Its shape is (rows,) for a single number, (rows, k) for several numbers or one-hot classes.
    `weights` are float32 of shape (rows,) for the training rows. `class_weight` is by class, as Keras's `fit` takes
    it. At most one of the two is set. `inputs` and `target` are the fitted transforms, to prepare more rows alike.

    Arrays are read-only, since other jobs may share them. Either all are in memory, or all are np.memmap.
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

    @property
    def nbytes(self) -> int:
        """Total size of the arrays in bytes."""
        pairs = (self.x_train, self.y_train, self.x_validation, self.y_validation, self.x_test, self.y_test)
        return sum(array.nbytes for array in (*pairs, self.weights) if array is not None)


def build_prepared_data(plan: PreparationPlan, training: Training, store: StoreArray) -> PreparedData:
    """Build every array of a plan.

    Raises:
        PreparationError: a row cannot be built, or is not finite.

    """
    optional_subsets = {"train": plan.train, "validation": plan.validation, "test": plan.test}
    subsets = {name: subset for name, subset in optional_subsets.items() if subset is not None}
    arrays = {f"x_{name}": store(f"x_{name}", subset.positions, subset.build_x) for name, subset in subsets.items()}
    arrays |= {f"y_{name}": store(f"y_{name}", subset.positions, subset.build_y) for name, subset in subsets.items()}
    if plan.build_weights is not None:
        arrays["weights"] = store("weights", plan.train.positions, plan.build_weights)
    weight_by_class = class_weights.compute_class_weight(training, arrays["y_train"], plan.target)
    class_weight = None if weight_by_class is None else MappingProxyType(dict(weight_by_class))
    return PreparedData(**arrays, inputs=plan.inputs, target=plan.target, class_weight=class_weight)
