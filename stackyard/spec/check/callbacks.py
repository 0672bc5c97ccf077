"""Check the callbacks against the optimizer, the history and each other."""

from collections.abc import Iterator

from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment
from stackyard.spec.training.callbacks import (
    Callback,
    EarlyStopping,
    LearningRateScheduler,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)
from stackyard.spec.training.training import Training

LEARNING_RATE_COLUMN = "learning_rate"
"""The history column that callbacks add when they set the learning rate."""

_LEARNING_RATE_SETTERS = (ReduceLROnPlateau, LearningRateScheduler)
_MONITORS = (EarlyStopping, ReduceLROnPlateau)


def list_history_columns(training: Training, *, has_validation: bool) -> tuple[str, ...]:
    """Return the columns of Keras's history, in its order."""
    return _list_monitored_columns(training, training.callbacks, has_validation=has_validation)


def sets_learning_rate(callbacks: tuple[Callback, ...]) -> bool:
    """Return whether one of the callbacks sets the learning rate, and so adds it to the history."""
    return any(isinstance(callback, _LEARNING_RATE_SETTERS) for callback in callbacks)


def _list_monitored_columns(
    training: Training, callbacks: tuple[Callback, ...], *, has_validation: bool
) -> tuple[str, ...]:
    learning_rate = (LEARNING_RATE_COLUMN,) if sets_learning_rate(callbacks) else ()
    return (*_list_metric_columns(training, has_validation=has_validation), *learning_rate)


def _list_metric_columns(training: Training, *, has_validation: bool) -> tuple[str, ...]:
    names = ["loss", *(metric.name for metric in training.metrics)]
    return tuple(sorted([*names, *(f"val_{name}" for name in names)] if has_validation else names))


def check_callbacks(training: Training, *, has_validation: bool, faults: FaultCollector) -> None:
    """Add a fault for each callback that monitors a missing column or contradicts the rest of the training."""
    for index, callback in enumerate(training.callbacks):
        for message in _find_contradictions(callback, training):
            faults.add(message, "training", "callbacks", index)
        if isinstance(callback, _MONITORS):
            _check_monitor(training, index, callback, has_validation=has_validation, faults=faults)


def _find_contradictions(callback: Callback, training: Training) -> Iterator[str]:
    learning_rate = training.optimizer.learning_rate
    if isinstance(callback, _LEARNING_RATE_SETTERS) and not isinstance(learning_rate, int | float):
        # Keras raises a TypeError when such a callback sets the learning rate.
        message = f"expected a number for the optimizer's learning_rate, as {callback.type} sets it"
        yield f"{message}; it is of {learning_rate.type}: leave out one of the two"
    if isinstance(callback, SwapEMAWeights) and not training.optimizer.use_ema:
        yield 'expected an optimizer with "use_ema": true, as SwapEMAWeights needs; it is false'
    if isinstance(callback, TerminateOnNaN) and training.on_nonfinite == "continue":
        yield 'expected "on_nonfinite": "stop" with a TerminateOnNaN, received "continue": leave out one of the two'


def _check_monitor(
    training: Training,
    index: int,
    callback: EarlyStopping | ReduceLROnPlateau,
    *,
    has_validation: bool,
    faults: FaultCollector,
) -> None:
    # A callback can read the learning rate only if itself or an earlier callback adds it to the epoch's logs.
    names = _list_monitored_columns(training, training.callbacks[: index + 1], has_validation=has_validation)
    path: tuple[PathSegment, ...] = ("training", "callbacks", index)
    if callback.monitor not in names:
        message = f"expected one of {', '.join(names)}; received {format_value(callback.monitor)}"
        if callback.monitor in _list_metric_columns(training, has_validation=True):
            faults.add(message, *path, "monitor", fix="it needs a data.split.validation")
        else:
            faults.add_unknown_name(message, *path, "monitor", name=callback.monitor, valid_names=names)
    elif callback.mode == "auto" and callback.monitor == LEARNING_RATE_COLUMN:
        reason = f"neither more nor less of {format_value(callback.monitor)} is better"
        faults.add(f'expected the mode "min" or "max", as {reason}; received "auto"', *path, "mode")
