"""The callbacks against the optimizer, the history and each other."""

from collections.abc import Iterator

from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from stackyard.spec.tagged_union import suggest
from stackyard.spec.training import callbacks, metrics
from stackyard.spec.training.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from stackyard.spec.training.training import Training

RATE = "learning_rate"
"""The column that callbacks which set the learning rate add to the history."""

UNDIRECTED = (metrics.TruePositives, metrics.TrueNegatives, metrics.FalsePositives, metrics.FalseNegatives)
"""Keras does not know whether more or less of these is better."""

_SETS_RATE = (ReduceLROnPlateau, callbacks.LearningRateScheduler)
_MONITORS = (EarlyStopping, ReduceLROnPlateau)


def history_names(training: Training, *, validated: bool) -> tuple[str, ...]:
    """Return the columns that Keras's history will have, in its order."""
    rate = (RATE,) if sets_rate(training.callbacks) else ()
    return (*_measured(training, validated=validated), *rate)


def sets_rate(among: tuple[Callback, ...]) -> bool:
    """Return whether one of these callbacks sets the learning rate, and so puts it into the history."""
    return any(isinstance(callback, _SETS_RATE) for callback in among)


def _measured(training: Training, *, validated: bool) -> tuple[str, ...]:
    names = ["loss", *(metric.name for metric in training.metrics)]
    return tuple(sorted([*names, *(f"val_{name}" for name in names)] if validated else names))


def examine_callbacks(training: Training, *, validated: bool, faults: Faults) -> None:
    """Note callbacks that wait for what the history lacks, or that do not go with the rest of the training."""
    for index, callback in enumerate(training.callbacks):
        for message in _clashes(callback, training):
            faults.add(message, "training", "callbacks", index)
        if isinstance(callback, _MONITORS):
            _examine_monitor(training, index, callback, validated=validated, faults=faults)


def _clashes(callback: Callback, training: Training) -> Iterator[str]:
    rate = training.optimizer.learning_rate
    if isinstance(callback, _SETS_RATE) and not isinstance(rate, int | float):
        # Keras raises a TypeError when it comes to setting the rate.
        what = f"expected a number for the optimizer's learning_rate, as {callback.type} sets it"
        yield f"{what}; it is of {rate.type}: leave out one of the two"
    if isinstance(callback, callbacks.SwapEMAWeights) and not training.optimizer.use_ema:
        yield 'expected an optimizer with "use_ema": true, as SwapEMAWeights needs; it is false'
    if isinstance(callback, callbacks.TerminateOnNaN) and training.on_nonfinite == "continue":
        yield 'expected "on_nonfinite": "stop" with a TerminateOnNaN, received "continue": leave out one of the two'


def _examine_monitor(
    training: Training,
    index: int,
    callback: EarlyStopping | ReduceLROnPlateau,
    *,
    validated: bool,
    faults: Faults,
) -> None:
    # A callback sees the learning rate that it or one before it puts into the epoch's logs.
    rate = (RATE,) if sets_rate(training.callbacks[: index + 1]) else ()
    names = (*_measured(training, validated=validated), *rate)
    place: tuple[Step, ...] = ("training", "callbacks", index)
    if callback.monitor not in names:
        message = f"expected one of {', '.join(names)}; received {say(callback.monitor)}"
        lacks = callback.monitor in _measured(training, validated=True)
        fix = "it needs a data.split.validation" if lacks else suggest(callback.monitor, names)
        faults.add(message, *place, "monitor", fix=fix)
    elif callback.mode == "auto" and _undirected(training, callback.monitor):
        better = f"Keras does not know whether more or less of {say(callback.monitor)} is better"
        faults.add(f'expected the mode "min" or "max", as {better}; received "auto"', *place, "mode")


def _undirected(training: Training, monitor: str) -> bool:
    measured = monitor.removeprefix("val_")
    found = any(metric.name == measured and isinstance(metric, UNDIRECTED) for metric in training.metrics)
    return found or monitor == RATE
