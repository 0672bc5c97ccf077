"""How much one job may ask for."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """Upper bounds, each checked with integers before anything is allocated and named in its error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_json_bytes: int = Field(default=1_048_576, ge=1, description="Size of a spec as UTF-8 text.")
    max_json_depth: int = Field(default=32, ge=1, le=200, description="Objects and arrays inside each other.")
    max_json_elements: int = Field(default=10_000, ge=1, description="Members of one object or array.")
    max_layers: int = Field(default=1_000, ge=1, description="Layers of a network.")
    max_parameters: int = Field(default=100_000_000, ge=1, description="Parameters of a network, frozen ones too.")
    max_epochs: int = Field(default=100_000, ge=1, description="Epochs of a training.")
    max_features: int = Field(default=1_000_000, ge=1, description="Numbers in one row of input.")
    max_memory_bytes: int = Field(
        default=8 * 2**30,
        ge=1,
        description="Weights, gradients, optimizer state and one batch's activations, as estimated from the shapes.",
    )


UNLIMITED = Limits.model_construct(None, **dict.fromkeys(Limits.model_fields, 2**62))
"""For a spec that was accepted before, when other limits may have held."""
