"""Shape rules of regularization layers."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import (
    LayerOutput,
    ShapeRules,
    count_operations,
    find_rank_fault,
    infer_elementwise,
)
from stackyard.spec.check.weights import LayerFault
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


def _infer_dropout(layer: Dropout | AlphaDropout, shape: Shape) -> LayerOutput | LayerFault:
    noise_shape = layer.noise_shape
    if noise_shape is None:
        return LayerOutput(shape, flops=count_operations(shape))
    batch_shape = (None, *shape)
    if len(noise_shape) != len(batch_shape) or noise_shape[0] not in (None, 1):
        expected = f"expected {len(batch_shape)} sizes, the first null or 1 for the batch"
        return LayerFault(f"{expected}; received {len(noise_shape)}", ("noise_shape",))
    for index, (size, row_size) in enumerate(zip(noise_shape, batch_shape, strict=True)):
        if index and size not in (None, 1, row_size):
            return LayerFault(f"expected null, 1 or {row_size}, received {size}", ("noise_shape", index))
    return LayerOutput(shape, flops=count_operations(shape))


def _infer_spatial_dropout(
    layer: SpatialDropout1D | SpatialDropout2D | SpatialDropout3D, shape: Shape
) -> LayerOutput | LayerFault:
    return find_rank_fault(shape, layer.rank + 1) or LayerOutput(shape, flops=count_operations(shape))


def _infer_activity_regularization(_: ActivityRegularization, shape: Shape) -> LayerOutput:
    return LayerOutput(shape, flops=count_operations(shape, 2))


RULES: ShapeRules = {
    Dropout: _infer_dropout,
    AlphaDropout: _infer_dropout,
    GaussianDropout: infer_elementwise,
    GaussianNoise: infer_elementwise,
    SpatialDropout1D: _infer_spatial_dropout,
    SpatialDropout2D: _infer_spatial_dropout,
    SpatialDropout3D: _infer_spatial_dropout,
    ActivityRegularization: _infer_activity_regularization,
}
