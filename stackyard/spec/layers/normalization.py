"""Layers that normalise."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import Items, NonNegative, Part, Positive, Share, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer, Ones, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.tagged_union import ONE_OR_MANY

Axes = Annotated[Items[int], Field(min_length=1, max_length=8)]


class RenormClipping(Part):
    """Bounds of the correction that batch renormalisation applies; null leaves one open."""

    rmax: Positive | None = None
    rmin: NonNegative | None = None
    dmax: NonNegative | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.rmax is not None and self.rmin is not None and self.rmax < self.rmin:
            raise refusal(f"expected rmax of at least rmin, {self.rmin}; received {self.rmax}", "rmax")
        return self


class BatchNormalization(LayerBase):
    """Normalises over the batch while training, and by what it gathered then afterwards."""

    type: Literal["BatchNormalization"] = "BatchNormalization"
    axis: int = -1
    momentum: Share = 0.99
    epsilon: Positive = 0.001
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
    renorm_momentum: Share = 0.99
    synchronized: bool = False


class LayerNormalization(LayerBase):
    """Normalises each row over `axis`."""

    type: Literal["LayerNormalization"] = "LayerNormalization"
    axis: Annotated[int | Axes, ONE_OR_MANY] = -1
    epsilon: Positive = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None


class GroupNormalization(LayerBase):
    """Normalises each row over groups of channels along `axis`; -1 `groups` are one for each channel."""

    type: Literal["GroupNormalization"] = "GroupNormalization"
    groups: Annotated[int, Field(ge=-1)] = 32
    axis: int = -1
    epsilon: Positive = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _some_groups(self) -> Self:
        if self.groups == 0:
            raise refusal("expected 1 group or more, or -1 for one a channel; received 0", "groups")
        return self


class RMSNormalization(LayerBase):
    """Divides each row by its root mean square over `axis`, and learns a scale."""

    type: Literal["RMSNormalization"] = "RMSNormalization"
    axis: Annotated[int | Axes, ONE_OR_MANY] = -1
    epsilon: Positive = 1e-6


class UnitNormalization(LayerBase):
    """Gives each row a norm of 1 over `axis`."""

    type: Literal["UnitNormalization"] = "UnitNormalization"
    axis: Annotated[int | Axes, ONE_OR_MANY] = -1
