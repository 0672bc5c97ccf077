"""Keras's own `fit`, over prepared data."""

from typing import Any

import keras

from stackyard.spec import Training
from worker.compilation import build_callbacks
from worker.preparation import Prepared


def fit(network: Any, data: Prepared, training: Training, last: keras.callbacks.Callback) -> None:
    """Train `network` in place.

    Args:
        network: a keras.Sequential, compiled, built for rows of `data`'s shape; its `fit` has no types.
        data: float32 rows, the training rows first in the order in which `shuffle=False` takes them.
        training: of the job's spec.
        last: comes after the spec's callbacks, so that an epoch's logs have what those put there.

    """
    validation = None if data.x_validation is None else (data.x_validation, data.y_validation)
    network.fit(
        data.x_train,
        data.y_train,
        batch_size=training.batch_size,
        epochs=training.epochs,
        shuffle=training.shuffle,
        validation_data=validation,
        class_weight=data.class_weight,
        sample_weight=data.weights,
        callbacks=[*build_callbacks(training.callbacks), last],
        verbose=0,
    )
