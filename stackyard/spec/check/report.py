"""What is known of a job before it queues."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec.job import JobSpec

Shape = tuple[int, ...]
"""The sizes of one row's axes: the batch is not counted."""


class _Reported(BaseModel):
    model_config = ConfigDict(frozen=True)


class LayerReport(_Reported):
    """One layer; `name` is what Keras calls it, given or made up."""

    index: int
    type: str
    name: str
    output_shape: Shape = Field(description="Sizes of the output's axes, the batch not counted.")
    parameters: int
    trainable_parameters: int
    flops: int = Field(
        description="Floating-point operations of one row's forward pass, estimated; a multiply-add counts 2."
    )


class Totals(_Reported):
    """Numbers that the network is made of."""

    parameters: int
    trainable_parameters: int
    non_trainable_parameters: int


class Rows(_Reported):
    """How many rows each part has; null where only the rows' own values tell, as with `drop_missing`."""

    train: int | None
    validation: int | None
    test: int | None


class Memory(_Reported):
    """An estimate from the shapes, for float32."""

    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int = Field(description="Every layer's output for one batch, and its gradient.")
    total_bytes: int


class Task(_Reported):
    """What is learnt: one of `classes`, or amounts; `other` is what has no such simple meaning."""

    kind: Literal["classification", "regression", "other"]
    classes: tuple[int | bool | str, ...] | None = Field(
        default=None,
        description="The target's values in the order of the outputs; where one output tells two apart, no and yes.",
    )


FORWARD_AND_BACK = 3
"""Going back costs about twice as much as going forward: the gradients of a layer's inputs and of its weights."""


class Flops(_Reported):
    """Floating-point operations, estimated from the shapes; a multiply-add counts 2."""

    row: int = Field(description="One row's forward pass.")
    epoch: int | None = Field(
        description="One epoch: every training row forward and, at twice the cost, backward; every validation row "
        "forward. Null where the number of rows is not known."
    )


class Advice(_Reported):
    """Something legal and probably wrong: a word for programs, a place, a sentence, and what would be better."""

    code: str
    pointer: str
    message: str
    fix: str


class Report(_Reported):
    """A spec that was found right, every default filled in, and what follows from it."""

    spec: JobSpec
    input_shape: Shape
    output_shape: Shape
    layers: tuple[LayerReport, ...]
    totals: Totals
    rows: Rows
    steps_per_epoch: int | None
    memory: Memory
    flops: Flops
    task: Task
    warnings: tuple[Advice, ...]
    metrics: tuple[str, ...] = Field(description="The columns that the history will have.")

    @property
    def step_flops(self) -> int:
        """Floating-point operations of a training step: of a whole batch, or of all rows where these are fewer."""
        batch = self.spec.training.batch_size
        return FORWARD_AND_BACK * self.flops.row * min(batch, self.rows.train or batch)
