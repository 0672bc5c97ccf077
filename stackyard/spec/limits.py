"""Upper bounds on the resources of one job."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """Upper bounds on a spec. Each is checked with integers before anything is allocated, and errors name it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    max_json_bytes: int = Field(default=1_048_576, ge=1, description="Size of a spec as UTF-8 text.")
    max_json_depth: int = Field(default=32, ge=1, le=200, description="Nesting depth of objects and arrays.")
    max_json_elements: int = Field(default=10_000, ge=1, description="Members of one object or array.")
    max_layers: int = Field(default=1_000, ge=1, description="Layers of a network.")
    max_parameters: int = Field(
        default=100_000_000, ge=1, description="Parameters of a network, including frozen ones."
    )
    max_epochs: int = Field(default=100_000, ge=1, description="Epochs of a training.")
    max_features: int = Field(default=1_000_000, ge=1, description="Numbers in one input row.")
    max_unrolled_steps: int = Field(
        default=1_000,
        ge=1,
        description="Copies of steps in the graph of a network: of recurrent layers with `unroll`, and of "
        "TimeDistributed layers.",
    )
    max_power_iterations: int = Field(
        default=1_000, ge=1, description="Power iterations of all SpectralNormalization layers of a network together."
    )
    max_dilation: int = Field(default=1_000, ge=1, description="Distance of the values that a convolution reads.")
    max_memory_bytes: int = Field(
        default=8 * 2**30,
        ge=1,
        description="Memory of a training without its rows, estimated from the shapes: weights, gradients, optimizer "
        "state, activations of one batch, and what TensorFlow adds.",
    )


UNLIMITED = Limits.model_construct(None, **dict.fromkeys(Limits.model_fields, 2**62))
"""For specs that were accepted earlier, perhaps under other limits."""
