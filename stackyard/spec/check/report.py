"""The report on a valid spec: shapes, sizes, costs and warnings."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec.job import JobSpec
from stackyard.spec.training.run import Backend

Shape = tuple[int, ...]
"""The sizes of a row's axes, without the batch axis."""


class _ReportModel(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class LayerReport(_ReportModel):
    """One layer; `name` is its name in Keras, given in the spec or generated."""

    index: int
    type: str
    name: str
    output_shape: Shape = Field(description="Sizes of the output's axes, without the batch axis.")
    parameters: int
    trainable_parameters: int
    flops: int = Field(
        description="Estimated floating-point operations of one row's forward pass; a multiply-add counts 2."
    )


class Totals(_ReportModel):
    """Parameter counts of the whole network."""

    parameters: int
    trainable_parameters: int
    non_trainable_parameters: int


class RowCounts(_ReportModel):
    """Number of rows of each set; null where it depends on the values of the rows, as in a split by groups.

    `total` is the number of rows that remain after `drop_missing`, before the split. It is null only if the columns
    have too many combinations of missing values, or if an earlier release described the dataset.
    """

    train: int | None
    validation: int | None
    test: int | None
    total: int | None = None


class Memory(_ReportModel):
    """Memory by which a training lets a worker's process grow, without the dataset's rows, estimated for float32."""

    weights_bytes: int = Field(description="The weights once.")
    gradients_bytes: int = Field(description="The gradients of the weights once.")
    optimizer_bytes: int = Field(description="The optimizer's variables for the weights once.")
    copies_bytes: int = Field(
        default=0,
        description="A second copy of the weights and of the optimizer's variables, which the worker keeps, and the "
        "intermediate results of the optimizer's step.",
    )
    activations_bytes: int = Field(
        description="For one batch: the values that all layers keep for the gradients, and the gradients of their "
        "outputs."
    )
    penalties_bytes: int = Field(
        default=0, description="Products of weights with themselves, in penalties and in spectral normalizations."
    )
    metrics_bytes: int = Field(default=0, description="Variables and comparisons of metrics with thresholds.")
    graph_bytes: int = Field(
        default=0, description="The graphs of the network, which TensorFlow traces and optimizes."
    )
    total_bytes: int


class Task(_ReportModel):
    """The learning task: classification into `classes`, regression, or `other` where a row has several labels."""

    kind: Literal["classification", "regression", "other"]
    classes: tuple[int | bool | str, ...] | None = Field(
        default=None,
        description="The target's values in the order of the outputs; of one binary output, the negative one first.",
    )


class BackendChoice(_ReportModel):
    """The backend of Keras on which a job trains, and a sentence that says why."""

    name: Backend
    reason: str


FORWARD_PASSES_PER_STEP = 3
"""Cost of a training step, in forward passes.

The backward pass computes the gradients of a layer's inputs and of its weights, each about as costly as forward.
"""


class Flops(_ReportModel):
    """Floating-point operations, estimated from the shapes; a multiply-add counts 2."""

    row: int = Field(description="One row's forward pass.")
    epoch: int | None = Field(
        description="One epoch: the training rows forward and backward, and the validation rows forward. "
        "A backward pass counts as two forward passes. Null where the number of rows is unknown."
    )


class Advice(_ReportModel):
    """A warning about a probable mistake in a valid spec: a code for programs, a pointer, a message and a fix."""

    code: str
    pointer: str
    message: str
    fix: str


class Report(_ReportModel):
    """A valid spec with every default filled in, and the shapes, sizes, costs and warnings that follow from it."""

    spec: JobSpec
    input_shape: Shape
    output_shape: Shape
    layers: tuple[LayerReport, ...]
    totals: Totals
    rows: RowCounts
    steps_per_epoch: int | None
    memory: Memory
    flops: Flops
    task: Task
    backend: BackendChoice
    warnings: tuple[Advice, ...]
    metrics: tuple[str, ...] = Field(description="The columns of the history.")

    @property
    def step_flops(self) -> int:
        """Floating-point operations of a training step: of a whole batch, or of all rows where there are fewer."""
        batch = self.spec.training.batch_size
        return FORWARD_PASSES_PER_STEP * self.flops.row * min(batch, self.rows.train or batch)
