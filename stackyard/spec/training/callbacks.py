"""Keras callbacks that observe a training. They can change its learning rate or its weights, or stop it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stackyard.spec import not_offered
from stackyard.spec.base import (
    NonNegativeFloat,
    NonNegativeInt,
    SpecModel,
    UnitIntervalBelowOne,
    build_validation_error,
)
from stackyard.spec.tagged_union import TaggedUnion
from stackyard.spec.training.schedules import Schedule

Monitor = Annotated[str, Field(min_length=1, max_length=100)]
"""The name of a history column."""


class EarlyStopping(SpecModel):
    """Stops the training when `monitor` no longer improves.

    With the `mode` "auto", the class of the metric decides whether more or less is better, and never its name. Keras
    does not know it for TruePositives, TrueNegatives ("max"), FalsePositives and FalseNegatives ("min"); here it does.

    As in Keras, the final weights are those of the last epoch unless `restore_best_weights` is true.
    """

    type: Literal["EarlyStopping"] = "EarlyStopping"
    monitor: Monitor = "val_loss"
    min_delta: NonNegativeFloat = 0.0
    patience: NonNegativeInt = 0
    verbose: Literal[0, 1] = 0
    mode: Literal["auto", "min", "max"] = "auto"
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: NonNegativeInt = 0


class ReduceLROnPlateau(SpecModel):
    """Multiplies the learning rate by `factor` when `monitor` no longer improves; `mode` is as in EarlyStopping.

    The history gets a column `learning_rate` with the rate of each epoch.
    """

    type: Literal["ReduceLROnPlateau"] = "ReduceLROnPlateau"
    monitor: Monitor = "val_loss"
    factor: UnitIntervalBelowOne = 0.1
    patience: NonNegativeInt = 10
    verbose: Literal[0, 1] = 0
    mode: Literal["auto", "min", "max"] = "auto"
    min_delta: NonNegativeFloat = 0.0001
    cooldown: NonNegativeInt = 0
    min_lr: NonNegativeFloat = 0.0


class LearningRateScheduler(SpecModel):
    """Sets the learning rate at the beginning of each epoch; the history gets a column `learning_rate`.

    Keras expects a function of the epoch, which JSON cannot express. Here, `schedule` is one of Keras's schedules and
    its step is the epoch, counted from 0, so that `decay_steps` and `boundaries` count epochs.
    """

    type: Literal["LearningRateScheduler"] = "LearningRateScheduler"
    schedule: Schedule
    verbose: Literal[0, 1] = 0


class TerminateOnNaN(SpecModel):
    """Stops the training at the first loss that is not finite, as `on_nonfinite` does by default.

    `raise_error` must be false: an exception would end the job as failed instead of with the outcome `diverged`.
    """

    type: Literal["TerminateOnNaN"] = "TerminateOnNaN"
    raise_error: bool = False

    @field_validator("raise_error")
    @classmethod
    def _reject_raise_error(cls, raise_error: bool) -> bool:
        if raise_error:
            message = 'expected false, received true: a job whose loss is not finite ends as "diverged" without it'
            raise build_validation_error(message)
        return raise_error


class SwapEMAWeights(SpecModel):
    """Validates with the exponential moving average of the weights, for an optimizer with `use_ema`."""

    type: Literal["SwapEMAWeights"] = "SwapEMAWeights"
    swap_on_epoch: bool = False


Callback = Annotated[
    EarlyStopping | ReduceLROnPlateau | LearningRateScheduler | TerminateOnNaN | SwapEMAWeights,
    TaggedUnion("a callback", not_offered=not_offered.CALLBACKS),
]
"""Not supported:

- BackupAndRestore, CSVLogger, ModelCheckpoint, OrbaxCheckpoint and TensorBoard, because they write files to any path;
- RemoteMonitor, because it sends requests to any host;
- LambdaCallback, because its arguments are code;
- History and ProgbarLogger, because `fit` adds them itself;
- Callback and CallbackList, because they are only base classes and containers."""
