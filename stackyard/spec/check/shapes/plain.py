"""The layers that wrap no other."""

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
from stackyard.spec.check.shapes.layer_output import Made, Rules
from stackyard.spec.check.weights import Fault, Weight, weight_faults
from stackyard.spec.layers import Plain

RULES: Rules = {
    **core.RULES,
    **activation.RULES,
    **regularization.RULES,
    **normalization.RULES,
    **reshaping.RULES,
    **convolution.RULES,
    **pooling.RULES,
    **recurrent.RULES,
}


def infer_plain(layer: Plain, shape: Shape) -> tuple[Made | None, list[Fault]]:
    """Do as `infer`, for a layer that wraps no other."""
    made = RULES[type(layer)](layer, shape)
    if isinstance(made, Fault):
        return None, [made]
    faults = [fault for weight in made.weights for fault in weight_faults(layer, weight)]
    return made if layer.trainable else _frozen(made), faults


def _frozen(made: Made) -> Made:
    weights = tuple(Weight(weight.shape, weight.role, trainable=False) for weight in made.weights)
    return Made(made.shape, weights, made.flops)
