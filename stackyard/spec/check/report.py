"""What is known of a job before it queues."""

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
    metrics: tuple[str, ...] = Field(description="The columns that the history will have.")
