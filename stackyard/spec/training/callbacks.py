"""What watches a training, changes its learning rate or weights, and may end it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stackyard.spec.base import BelowOne, Index, NonNegative, Part, refusal
from stackyard.spec.tagged_union import Closed
from stackyard.spec.training.schedules import Schedule

Monitor = Annotated[str, Field(min_length=1, max_length=100)]
"""A column of the history."""


class EarlyStopping(Part):
    """Ends a training whose `monitor` no longer improves. As in Keras, the last and not the best weights stay."""

    type: Literal["EarlyStopping"] = "EarlyStopping"
    monitor: Monitor = "val_loss"
    min_delta: NonNegative = 0.0
    patience: Index = 0
    verbose: Literal[0, 1] = 0
    mode: Literal["auto", "min", "max"] = "auto"
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: Index = 0


class ReduceLROnPlateau(Part):
    """Multiplies the learning rate by `factor` when `monitor` no longer improves.

    The history gets a column `learning_rate`, of the rate with which each epoch was trained.
    """

    type: Literal["ReduceLROnPlateau"] = "ReduceLROnPlateau"
    monitor: Monitor = "val_loss"
    factor: BelowOne = 0.1
    patience: Index = 10
    verbose: Literal[0, 1] = 0
    mode: Literal["auto", "min", "max"] = "auto"
    min_delta: NonNegative = 0.0001
    cooldown: Index = 0
    min_lr: NonNegative = 0.0


class LearningRateScheduler(Part):
    """Sets the learning rate at the beginning of each epoch; the history gets a column `learning_rate`.

    Keras takes a function of the epoch. JSON has none, so `schedule` is one of Keras's schedules, whose step is here
    the number of the epoch, from 0: `decay_steps` and `boundaries` count epochs.
    """

    type: Literal["LearningRateScheduler"] = "LearningRateScheduler"
    schedule: Schedule
    verbose: Literal[0, 1] = 0


class TerminateOnNaN(Part):
    """Ends a training at the first loss that is not finite, as `on_nonfinite` does by default.

    `raise_error` stays false: by raising, Keras would make a failure of what is told as the outcome `diverged`.
    """

    type: Literal["TerminateOnNaN"] = "TerminateOnNaN"
    raise_error: bool = False

    @field_validator("raise_error")
    @classmethod
    def _the_outcome_tells(cls, raise_error: bool) -> bool:
        if raise_error:
            raise refusal('expected false, received true: a job whose loss is not finite ends "diverged" without it')
        return raise_error


class SwapEMAWeights(Part):
    """Validates with the running means of the weights, which an optimizer with `use_ema` keeps."""

    type: Literal["SwapEMAWeights"] = "SwapEMAWeights"
    swap_on_epoch: bool = False


Callback = Annotated[
    EarlyStopping | ReduceLROnPlateau | LearningRateScheduler | TerminateOnNaN | SwapEMAWeights,
    Closed("a callback"),
]
"""Not offered: BackupAndRestore, CSVLogger, ModelCheckpoint, OrbaxCheckpoint and TensorBoard, which write files where
they are told; RemoteMonitor, which calls out; LambdaCallback, which is code; History and ProgbarLogger, which `fit`
adds by itself; Callback and CallbackList, which only make others."""
