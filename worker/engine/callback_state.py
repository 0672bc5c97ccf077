"""Save and load the state of Keras's callbacks between epochs; the callbacks themselves have no methods for it."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from worker.engine.snapshot import CheckpointError
from worker.preparation.arrays import Array
from worker.runtime.private_names import AVERAGES_IN_NETWORK

_ATTRIBUTES: Mapping[type[Any], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.LearningRateScheduler: (),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.SwapEMAWeights: (AVERAGES_IN_NETWORK,),
}
"""Numeric attributes of every callback in the spec language. The learning rate is a variable of the optimizer."""
_WEIGHTS = "best_weights"
"""The only attribute that is a list of arrays, or None; EarlyStopping has it."""


def collect_scalars(callbacks: Iterable[Any]) -> dict[str, Any]:
    """Return the callbacks' state without arrays, as JSON values."""
    return {str(index): _get_scalars(callback) for index, callback in enumerate(callbacks)}


def collect_arrays(callbacks: Iterable[Any]) -> dict[str, Array]:
    """Return the arrays of the callbacks' state."""
    return {
        f"callbacks/{index}/{_WEIGHTS}/{weight_index}": array
        for index, callback in enumerate(callbacks)
        for weight_index, array in enumerate(getattr(callback, _WEIGHTS, None) or ())
    }


def load_state(callbacks: Iterable[Any], scalars: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Load state into callbacks whose training has begun.

    Raises:
        CheckpointError: the state is of other callbacks.

    """
    try:
        for index, callback in enumerate(callbacks):
            _load_callback(callback, index, scalars[str(index)], arrays)
    except KeyError as error:
        raise CheckpointError(f"The checkpoint lacks a callback's {error}.") from error


def overwrite_last_weights(callbacks: Iterable[Any]) -> bool:
    """Return whether a callback overwrites the weights after the last epoch, so that more epochs could not follow.

    SwapEMAWeights with `swap_on_epoch` replaces the trained weights by their moving averages there.
    """
    return any(
        isinstance(callback, keras.callbacks.SwapEMAWeights) and callback.swap_on_epoch for callback in callbacks
    )


def _get_scalars(callback: Any) -> dict[str, Any]:
    scalars = {name: getattr(callback, name) for name in _ATTRIBUTES[type(callback)]}
    if hasattr(callback, _WEIGHTS):
        weights = callback.best_weights
        scalars[_WEIGHTS] = None if weights is None else len(weights)
    return scalars


def _load_callback(callback: Any, index: int, scalars: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    for name in _ATTRIBUTES[type(callback)]:
        setattr(callback, name, scalars[name])
    if hasattr(callback, _WEIGHTS) and scalars[_WEIGHTS] is not None:
        # Copied, since an array may be a view of a whole checkpoint file.
        callback.best_weights = [
            np.array(arrays[f"callbacks/{index}/{_WEIGHTS}/{weight_index}"])
            for weight_index in range(scalars[_WEIGHTS])
        ]
