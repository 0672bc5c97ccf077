"""Keras's initializers, which set the initial weights of a layer."""

from typing import Annotated, Any, Literal

from stackyard.spec.base import Axes, NonNegativeFloat, PositiveFloat, Seed, SpecModel
from stackyard.spec.tagged_union import TaggedUnion


class RandomInitializer(SpecModel):
    """A random initializer. Without a `seed`, it uses the random state that the training's seed sets, as in Keras."""

    type: Any  # declared here so that it comes first; each subclass narrows it
    seed: Seed | None = None


class _VarianceScalingInitializer(RandomInitializer):
    """A variance-scaling initializer. The axes select which of the weight's axes count as inputs and as outputs."""

    input_axes: Axes | None = None
    output_axes: Axes | None = None


class Zeros(SpecModel):
    """Every weight is 0."""

    type: Literal["Zeros"] = "Zeros"


class Ones(SpecModel):
    """Every weight is 1."""

    type: Literal["Ones"] = "Ones"


class Constant(SpecModel):
    """Every weight is `value`."""

    type: Literal["Constant"] = "Constant"
    value: float = 0.0


class Identity(SpecModel):
    """The identity matrix times `gain`, for weights of rank 2."""

    type: Literal["Identity"] = "Identity"
    gain: float = 1.0


class RandomNormal(RandomInitializer):
    """A normal distribution."""

    type: Literal["RandomNormal"] = "RandomNormal"
    mean: float = 0.0
    stddev: NonNegativeFloat = 0.05


class RandomUniform(RandomInitializer):
    """A uniform distribution."""

    type: Literal["RandomUniform"] = "RandomUniform"
    minval: float = -0.05
    maxval: float = 0.05


class TruncatedNormal(RandomInitializer):
    """A normal distribution truncated at two standard deviations from the mean."""

    type: Literal["TruncatedNormal"] = "TruncatedNormal"
    mean: float = 0.0
    stddev: NonNegativeFloat = 0.05


class VarianceScaling(_VarianceScalingInitializer):
    """A distribution whose variance depends on the number of inputs, outputs or both."""

    type: Literal["VarianceScaling"] = "VarianceScaling"
    scale: PositiveFloat = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"


class GlorotNormal(_VarianceScalingInitializer):
    """Glorot normal (Xavier) initialization, from a truncated normal distribution."""

    type: Literal["GlorotNormal"] = "GlorotNormal"


class GlorotUniform(_VarianceScalingInitializer):
    """Glorot uniform (Xavier) initialization, Keras's default for kernels."""

    type: Literal["GlorotUniform"] = "GlorotUniform"


class HeNormal(_VarianceScalingInitializer):
    """He normal initialization, from a truncated normal distribution."""

    type: Literal["HeNormal"] = "HeNormal"


class HeUniform(_VarianceScalingInitializer):
    """He uniform initialization."""

    type: Literal["HeUniform"] = "HeUniform"


class LecunNormal(_VarianceScalingInitializer):
    """LeCun normal initialization, from a truncated normal distribution."""

    type: Literal["LecunNormal"] = "LecunNormal"


class LecunUniform(_VarianceScalingInitializer):
    """LeCun uniform initialization."""

    type: Literal["LecunUniform"] = "LecunUniform"


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix times `gain`, for weights of rank 2 or more."""

    type: Literal["Orthogonal"] = "Orthogonal"
    gain: float = 1.0


Initializer = Annotated[
    Zeros
    | Ones
    | Constant
    | Identity
    | RandomNormal
    | RandomUniform
    | TruncatedNormal
    | VarianceScaling
    | GlorotNormal
    | GlorotUniform
    | HeNormal
    | HeUniform
    | LecunNormal
    | LecunUniform
    | Orthogonal,
    TaggedUnion("an initializer", aliases={"normal": "RandomNormal", "uniform": "RandomUniform", "one": "Ones"}),
]
"""Not supported: STFT, because it only initializes the kernels of spectrogram layers."""
