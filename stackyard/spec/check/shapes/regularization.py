"""Layers that only training feels."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, elementwise, wrong_rank
from stackyard.spec.check.weights import Fault
from stackyard.spec.layers import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)


def _dropout(layer: Dropout | AlphaDropout, shape: Shape) -> Made | Fault:
    noise = layer.noise_shape
    if noise is None:
        return Made(shape, flops=each(shape))
    batch = (None, *shape)
    if len(noise) != len(batch) or noise[0] not in (None, 1):
        wanted = f"expected {len(batch)} sizes, the first null or 1 for the batch"
        return Fault(f"{wanted}; received {len(noise)}", ("noise_shape",))
    for index, (size, there) in enumerate(zip(noise, batch, strict=True)):
        if index and size not in (None, 1, there):
            return Fault(f"expected null, 1 or {there}, received {size}", ("noise_shape", index))
    return Made(shape, flops=each(shape))


def _spatial(layer: SpatialDropout1D | SpatialDropout2D | SpatialDropout3D, shape: Shape) -> Made | Fault:
    return wrong_rank(shape, layer.rank + 1) or Made(shape, flops=each(shape))


def _penalty(_: ActivityRegularization, shape: Shape) -> Made:
    return Made(shape, flops=each(shape, 2))


RULES: Rules = {
    Dropout: _dropout,
    AlphaDropout: _dropout,
    GaussianDropout: elementwise,
    GaussianNoise: elementwise,
    SpatialDropout1D: _spatial,
    SpatialDropout2D: _spatial,
    SpatialDropout3D: _spatial,
    ActivityRegularization: _penalty,
}
