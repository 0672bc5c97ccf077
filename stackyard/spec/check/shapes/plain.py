"""Infer the output of layers that do not wrap another layer."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes import (
    activation,
    convolution,
    core,
    normalization,
    pooling,
    recurrent,
    regularization,
    reshaping,
)
from stackyard.spec.check.shapes.layer_output import LayerOutput, ShapeRules
from stackyard.spec.check.weights import LayerFault, Weight, find_weight_faults
from stackyard.spec.layers import NonWrapperLayer

RULES: ShapeRules = {
    **core.RULES,
    **activation.RULES,
    **regularization.RULES,
    **normalization.RULES,
    **reshaping.RULES,
    **convolution.RULES,
    **pooling.RULES,
    **recurrent.RULES,
}


def infer_plain(layer: NonWrapperLayer, shape: Shape) -> tuple[LayerOutput | None, list[LayerFault]]:
    """Return the output and the faults, like `infer_layer_output`, of a layer that does not wrap another."""
    output = RULES[type(layer)](layer, shape)
    if isinstance(output, LayerFault):
        return None, [output]
    faults = [fault for weight in output.weights for fault in find_weight_faults(layer, weight)]
    return output if layer.trainable else _freeze_weights(output), faults


def _freeze_weights(output: LayerOutput) -> LayerOutput:
    weights = tuple(Weight(weight.shape, weight.role, trainable=False) for weight in output.weights)
    return LayerOutput(output.shape, weights, output.flops)
