"""What preparation makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stackyard.spec import Training
from worker.preparation.arrays import Array
from worker.preparation.plan import Make, Plan
from worker.preparation.transforms import class_weights
from worker.preparation.transforms.array_inputs import FittedInputs
from worker.preparation.transforms.targets import FittedTarget

Keep = Callable[[str, Array, Make], Array]
"""Makes an array, called by its field of `Prepared`, of the rows at some positions, and gives it read-only."""


@dataclass(frozen=True)
class Prepared:
    """Rows for training, validation and test; the latter two are None where the spec has no such part.

    Each `x` is float32 of shape (rows, *input). Each `y` has as many rows: int64 labels for a loss that takes them,
    else float32; of shape (rows,) for a single number, (rows, k) for several or for one-hot classes. `weights` are
    float32 of shape (rows,) for the training rows, `class_weight` is by class as Keras's `fit` takes it; there is at
    most one of the two. `inputs` and `target` are what was fitted, by which more rows can be prepared in the same way.

    Arrays are read-only: they may be another job's, too. Either all are in memory, or all are np.memmap.
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
    def bytes(self) -> int:
        """What the arrays take up."""
        pairs = (self.x_train, self.y_train, self.x_validation, self.y_validation, self.x_test, self.y_test)
        return sum(array.nbytes for array in (*pairs, self.weights) if array is not None)


def make(plan: Plan, training: Training, keep: Keep) -> Prepared:
    """Make every array of a plan.

    Raises:
        PreparationError: some row cannot be made, or is not finite.

    """
    parts = {"train": plan.train, "validation": plan.validation, "test": plan.test}
    there = {name: part for name, part in parts.items() if part is not None}
    made = {f"x_{name}": keep(f"x_{name}", part.positions, part.x) for name, part in there.items()}
    made |= {f"y_{name}": keep(f"y_{name}", part.positions, part.y) for name, part in there.items()}
    if plan.weights is not None:
        made["weights"] = keep("weights", plan.train.positions, plan.weights)
    by_class = class_weights.by_class(training, made["y_train"], plan.target)
    class_weight = None if by_class is None else MappingProxyType(dict(by_class))
    return Prepared(**made, inputs=plan.inputs, target=plan.target, class_weight=class_weight)
