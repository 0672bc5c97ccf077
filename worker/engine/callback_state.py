"""What Keras's callbacks remember from one epoch to the next; they themselves can neither tell nor be told it."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from worker.engine.snapshot import CheckpointError
from worker.preparation.arrays import Array

_ATTRIBUTES: Mapping[type[Any], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.LearningRateScheduler: (),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}
"""Of every callback of the language; all of them numbers. A learning rate is the optimizer's variable."""
_WEIGHTS = "best_weights"
"""The one attribute that is a list of arrays, or None: EarlyStopping's."""


def numbers(callbacks: Iterable[Any]) -> dict[str, Any]:
    """Return what callbacks remember, but for arrays, as JSON has it."""
    return {str(place): _numbers(callback) for place, callback in enumerate(callbacks)}


def arrays(callbacks: Iterable[Any]) -> dict[str, Array]:
    """Return the arrays that callbacks remember."""
    return {
        f"callbacks/{place}/{_WEIGHTS}/{index}": array
        for place, callback in enumerate(callbacks)
        for index, array in enumerate(getattr(callback, _WEIGHTS, None) or ())
    }


def restore(callbacks: Iterable[Any], kept: Mapping[str, Any], kept_arrays: Mapping[str, Array]) -> None:
    """Let callbacks, whose training has begun, remember what others remembered.

    Raises:
        CheckpointError: those were others.

    """
    try:
        for place, callback in enumerate(callbacks):
            _restore(callback, place, kept[str(place)], kept_arrays)
    except KeyError as error:
        raise CheckpointError(f"A callback's {error} was not kept.") from error


def _numbers(callback: Any) -> dict[str, Any]:
    found = {name: getattr(callback, name) for name in _ATTRIBUTES[type(callback)]}
    if hasattr(callback, _WEIGHTS):
        weights = callback.best_weights
        found[_WEIGHTS] = None if weights is None else len(weights)
    return found


def _restore(callback: Any, place: int, kept: Mapping[str, Any], kept_arrays: Mapping[str, Array]) -> None:
    for name in _ATTRIBUTES[type(callback)]:
        setattr(callback, name, kept[name])
    if hasattr(callback, _WEIGHTS) and kept[_WEIGHTS] is not None:
        # Copied, since an array that was read may be a part of all that was.
        callback.best_weights = [
            np.array(kept_arrays[f"callbacks/{place}/{_WEIGHTS}/{index}"]) for index in range(kept[_WEIGHTS])
        ]
