"""How weights start: every Keras initializer that a layer of a spec can use."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stackyard.spec.base import Items, NonNegative, Part, Positive, Seed
from stackyard.spec.tagged_union import Closed

Axes = Annotated[Items[int], Field(min_length=1, max_length=8)]


class RandomInitializer(Part):
    """An initializer that draws; with no `seed` it draws on the seed of the training, as in a Keras script."""

    type: Any  # each subclass narrows it; here so that it comes first
    seed: Seed | None = None


class _Scaled(RandomInitializer):
    """One of the variance-scaling family; the axes say which of the weight's count as inputs and outputs."""

    input_axes: Axes | None = None
    output_axes: Axes | None = None


class Zeros(Part):
    """All 0."""

    type: Literal["Zeros"] = "Zeros"


class Ones(Part):
    """All 1."""

    type: Literal["Ones"] = "Ones"


class Constant(Part):
    """All `value`."""

    type: Literal["Constant"] = "Constant"
    value: float = 0.0


class Identity(Part):
    """`gain` times the identity matrix; for weights of rank 2."""

    type: Literal["Identity"] = "Identity"
    gain: float = 1.0


class RandomNormal(RandomInitializer):
    """A normal distribution."""

    type: Literal["RandomNormal"] = "RandomNormal"
    mean: float = 0.0
    stddev: NonNegative = 0.05


class RandomUniform(RandomInitializer):
    """A uniform distribution."""

    type: Literal["RandomUniform"] = "RandomUniform"
    minval: float = -0.05
    maxval: float = 0.05


class TruncatedNormal(RandomInitializer):
    """A normal distribution with no value further than two deviations from the mean."""

    type: Literal["TruncatedNormal"] = "TruncatedNormal"
    mean: float = 0.0
    stddev: NonNegative = 0.05


class VarianceScaling(_Scaled):
    """A spread that follows from the number of inputs, outputs or both."""

    type: Literal["VarianceScaling"] = "VarianceScaling"
    scale: Positive = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"


class GlorotNormal(_Scaled):
    """Glorot and Bengio's, truncated normal."""

    type: Literal["GlorotNormal"] = "GlorotNormal"


class GlorotUniform(_Scaled):
    """Glorot and Bengio's, uniform: Keras's usual kernel."""

    type: Literal["GlorotUniform"] = "GlorotUniform"


class HeNormal(_Scaled):
    """He's, truncated normal."""

    type: Literal["HeNormal"] = "HeNormal"


class HeUniform(_Scaled):
    """He's, uniform."""

    type: Literal["HeUniform"] = "HeUniform"


class LecunNormal(_Scaled):
    """LeCun's, truncated normal."""

    type: Literal["LecunNormal"] = "LecunNormal"


class LecunUniform(_Scaled):
    """LeCun's, uniform."""

    type: Literal["LecunUniform"] = "LecunUniform"


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix times `gain`; for weights of rank 2 or more."""

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
    Closed("an initializer", aliases={"normal": "RandomNormal", "uniform": "RandomUniform", "one": "Ones"}),
]
"""Not offered: STFT, which fills the kernels of spectrogram layers alone."""
