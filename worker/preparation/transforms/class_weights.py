"""How much rows and classes count in the loss of the training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import utils

from stackyard.spec import Training
from stackyard.spec.training.class_weight import by_label, label
from worker.preparation.arrays import Array, blocks
from worker.preparation.transforms.targets import FittedTarget

_utils: Any = utils  # scikit-learn does not type what its functions return
_ROWS = 1 << 16


def by_class(training: Training, y_train: Array, target: FittedTarget) -> Mapping[int, float] | None:
    """The weight of each class by its place, or by -1 and 1 where those are the classes: Keras's `class_weight`.

    Args:
        training: of the spec; its weights are by the target's values, or `balanced`: scikit-learn's, by which each
            class weighs as much as every other.
        y_train: the training rows' targets; where they lie in a file, they are read a few at a time, and what is held
            of each is eight bytes.
        target: what they mean.

    """
    classes = target.classes
    if training.class_weight is None or classes is None:
        return None
    if isinstance(training.class_weight, Mapping):
        return by_label(training.class_weight, classes, signs=target.signs)
    found = np.concatenate([target.places(y_train[block]) for block in blocks(len(y_train), _ROWS)])
    there = np.unique(found)
    weights = _utils.class_weight.compute_class_weight("balanced", classes=there, y=found)
    labels = [label(place, classes, signs=target.signs) for place in there.tolist()]
    return dict(zip(labels, weights.tolist(), strict=True))
