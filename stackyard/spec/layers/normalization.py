"""Normalization layers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import NonNegativeFloat, PositiveFloat, SpecModel, UnitInterval, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer, Ones, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.tagged_union import OneOrMoreAxes


class RenormClipping(SpecModel):
    """Bounds of the correction in batch renormalization; null means no bound."""

    rmax: PositiveFloat | None = None
    rmin: NonNegativeFloat | None = None
    dmax: NonNegativeFloat | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.rmax is not None and self.rmin is not None and self.rmax < self.rmin:
            raise build_validation_error(f"expected rmax of at least rmin, {self.rmin}; received {self.rmax}", "rmax")
        return self


class BatchNormalization(LayerBase):
    """Normalizes over the batch in training, and with the collected moving averages in inference."""

    type: Literal["BatchNormalization"] = "BatchNormalization"
    axis: int = -1
    momentum: UnitInterval = 0.99
    epsilon: PositiveFloat = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    moving_mean_initializer: Initializer = Zeros()
    moving_variance_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None
    renorm: bool = False
    renorm_clipping: RenormClipping | None = None
    renorm_momentum: UnitInterval = 0.99
    synchronized: bool = False


class LayerNormalization(LayerBase):
    """Normalizes each row over `axis`."""

    type: Literal["LayerNormalization"] = "LayerNormalization"
    axis: OneOrMoreAxes = -1
    epsilon: PositiveFloat = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None


class GroupNormalization(LayerBase):
    """Normalizes each row over groups of channels along `axis`. `groups` -1 means one group per channel."""

    type: Literal["GroupNormalization"] = "GroupNormalization"
    groups: Annotated[int, Field(ge=-1)] = 32
    axis: int = -1
    epsilon: PositiveFloat = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        if self.groups == 0:
            raise build_validation_error(
                "expected at least 1 group, or -1 for one group per channel; received 0", "groups"
            )
        return self


class RMSNormalization(LayerBase):
    """Divides each row by its root mean square over `axis` and multiplies it by a learned scale."""

    type: Literal["RMSNormalization"] = "RMSNormalization"
    axis: OneOrMoreAxes = -1
    epsilon: PositiveFloat = 1e-6


class UnitNormalization(LayerBase):
    """Scales each row to a norm of 1 over `axis`."""

    type: Literal["UnitNormalization"] = "UnitNormalization"
    axis: OneOrMoreAxes = -1
