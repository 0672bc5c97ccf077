"""The interface between the training loop and a program: a network with compiled functions that train and evaluate it.

Each backend of Keras has a program of its own: `worker.engine.program` for TensorFlow, `worker.engine.jax_program`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation.arrays import Array

WrappedRows = Any
"""`x`, `y` and optionally sample weights with equal numbers of rows, as `Backend.wrap_rows` returns them."""

Metrics = Mapping[str, float]
"""Values by metric name, in Keras's order."""


class TrainResult(NamedTuple):
    """Result of a call that trains steps of an epoch."""

    step: int
    """The first step that was not taken."""
    is_finite: bool
    """Whether the mean loss over the epoch so far is finite; always True if the training continues in any case."""
    metrics: Metrics | None
    """Metrics over the epoch so far; None if they have to be computed outside of the call, by `compute_metrics`."""


class EpochsResult(NamedTuple):
    """Result of a call that trains whole epochs; `step` and `is_finite` are those of the last epoch."""

    step: int
    is_finite: bool
    metrics: list[tuple[Metrics, Metrics]]
    """Of each epoch's training and validation; the latter are empty without validation."""


class EvaluationResult(NamedTuple):
    """Result of a call that evaluates steps."""

    metrics: Metrics | None
    """As in `TrainResult`."""
    outputs: Array | None
    """The network's outputs for the rows of these steps, as by `predict_on_batch`; None unless requested."""


class Program(Protocol):
    """A network, and the compiled functions that train and evaluate it."""

    network: Any
    """A keras.Sequential, compiled, with a built optimizer. Between calls its state may be set."""
    hyperparameters: Hyperparameters
    """May get other values between calls."""
    can_train_epochs: bool
    """Whether `train_epochs` has the bits of stock `fit`: metrics that are not means are read between epochs."""

    @property
    def nbytes(self) -> int:
        """Size of the variables in bytes."""
        ...

    def prepare_training(
        self, *, several_epochs: bool, validation_batch_size: int | None, evaluation_batch_size: int | None
    ) -> AbstractContextManager[None]:
        """Prepare the first functions of a training while the block runs; at its end they are ready.

        Args:
            several_epochs: whether calls take several epochs.
            validation_batch_size: number of rows of each validation step; 0 if they differ, None without validation.
            evaluation_batch_size: likewise for the evaluation after the training.

        """
        ...

    def prepare_evaluation(self, fixed_batch_size: int) -> None:
        """Start to prepare the function that evaluates steps of `fixed_batch_size` rows, or of any if it is 0."""
        ...

    def wait_until_prepared(self) -> None:
        """Wait until no function is being prepared."""
        ...

    def limit_epochs(self, rows: int) -> int:
        """Return the maximum number of epochs of so many rows that one call may train."""
        ...

    def train_steps(
        self,
        rows: WrappedRows,
        order: Array,
        steps: range,
        batch_size: int,
        *,
        reset_metrics: bool,
        stop_on_nonfinite: bool,
    ) -> TrainResult:
        """Train steps of an epoch.

        Args:
            rows: the training rows.
            order: indices of the epoch's rows in their order; int32 of shape (rows of the epoch,).
            steps: the steps to take.
            batch_size: number of rows in a step; the last step of an epoch may have fewer.
            reset_metrics: whether to reset the metrics first.
            stop_on_nonfinite: whether to stop after a step with a mean loss that is not finite.

        """
        ...

    def train_epochs(
        self,
        rows: WrappedRows,
        validation: WrappedRows | None,
        orders: Array,
        batch_size: int,
        *,
        fixed_batch_size: int,
        stop_on_nonfinite: bool,
    ) -> EpochsResult:
        """Train for whole epochs, each followed by its validation.

        `orders` has a row for each epoch. `fixed_batch_size` is the number of rows of each validation step, 0 if the
        steps differ.
        """
        ...

    def evaluate_steps(
        self,
        rows: WrappedRows,
        steps: range,
        batch_size: int,
        *,
        fixed_batch_size: int,
        reset_metrics: bool,
        return_outputs: bool = False,
    ) -> EvaluationResult:
        """Evaluate steps, and return the network's outputs if `return_outputs`; see `train_epochs` for the sizes."""
        ...

    def compute_metrics(self) -> dict[str, float]:
        """Return the metrics over the epoch or evaluation so far, computed outside of any graph as Keras does."""
        ...
