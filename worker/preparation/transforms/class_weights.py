"""Class weights in the training loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import utils

from stackyard.spec import Training
from stackyard.spec.training.class_weight import get_class_label, map_weights_by_label
from worker.preparation.arrays import Array, split_into_blocks
from worker.preparation.transforms.targets import FittedTarget

_utils: Any = utils  # scikit-learn's return types are untyped
_ROWS_PER_BLOCK = 1 << 16


def compute_class_weight(training: Training, y_train: Array, target: FittedTarget) -> Mapping[int, float] | None:
    """Return Keras's `class_weight`: the weight of each class by its index, or by -1 and 1 for sign losses.

    Args:
        training: of the spec. Its weights are by the target's values, or `balanced`: computed by scikit-learn so that
            every class has the same total weight.
        y_train: the training rows' targets. If they are in a file, they are read in blocks, and eight bytes for each
            are kept in memory.
        target: the fitted target.

    """
    classes = target.classes
    if training.class_weight is None or classes is None:
        return None
    if isinstance(training.class_weight, Mapping):
        return map_weights_by_label(training.class_weight, classes, uses_signs=target.signs)
    indices = np.concatenate(
        [target.to_class_indices(y_train[block]) for block in split_into_blocks(len(y_train), _ROWS_PER_BLOCK)]
    )
    present = np.unique(indices)
    weights = _utils.class_weight.compute_class_weight("balanced", classes=present, y=indices)
    labels = [get_class_label(index, classes, uses_signs=target.signs) for index in present.tolist()]
    return dict(zip(labels, weights.tolist(), strict=True))
