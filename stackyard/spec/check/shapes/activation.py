"""Shape rules of activations, as layers and as arguments of layers."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.axes import format_axis_message, resolve_axes
from stackyard.spec.check.shapes.layer_output import LayerOutput, ShapeRules, count_operations, infer_elementwise
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from stackyard.spec.network.regularizers import OrthogonalRegularizer, Regularizer

_SOFTMAXES = frozenset({"softmax", "log_softmax", "sparsemax"})
_SOFTMAX_OPERATIONS = 3
"""An exponential, an addition and a division for each value."""


def find_activation_fault(name: str | None, output: Shape, argument: str = "activation") -> LayerFault | None:
    """Return the fault of an activation that does not fit the layer's output, or None."""
    if name not in _SOFTMAXES:
        return None
    if not output:
        return LayerFault(f"expected rows of at least one axis for {name}, received single numbers", (argument,))
    return _build_single_output_fault(name, output[-1], argument) if output[-1] == 1 else None


def count_activation_flops(name: str | None, output: Shape) -> int:
    """Return the number of operations of an activation of the layer's output."""
    if name is None or name == "linear":
        return 0
    return count_operations(output, _SOFTMAX_OPERATIONS if name in _SOFTMAXES else 1)


def find_activity_regularizer_fault(regularizer: Regularizer | None, output: Shape) -> LayerFault | None:
    """Return the fault of an activity regularizer that does not fit the layer's output, or None."""
    if not isinstance(regularizer, OrthogonalRegularizer):
        return None
    if len(output) == 1 and regularizer.mode == "columns":
        return None
    expected = 'expected the mode "columns" and rows of one axis, as a batch has no fixed number of rows'
    return LayerFault(f"{expected}; received rows of shape {list(output)}", ("activity_regularizer",))


def _build_single_output_fault(name: str, size: int, argument: str) -> LayerFault:
    message = f"expected {name} over 2 outputs or more, received {size}, whose probability is always 1"
    return LayerFault(message, (argument,), 'use "sigmoid" for a yes or no, and no activation for a number')


def _infer_activation(layer: Activation, shape: Shape) -> LayerOutput | LayerFault:
    return find_activation_fault(layer.activation, shape) or LayerOutput(
        shape, flops=count_activation_flops(layer.activation, shape)
    )


def _infer_softmax(layer: Softmax, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    size = math.prod(shape[axis] for axis in axes)
    if size == 1:
        return _build_single_output_fault("Softmax", size, "axis")
    return LayerOutput(shape, flops=count_operations(shape, _SOFTMAX_OPERATIONS))


def _infer_prelu(layer: PReLU, shape: Shape) -> LayerOutput | LayerFault:
    alpha = list(shape)
    for index, axis in enumerate(layer.shared_axes or ()):
        if axis > len(shape):
            return LayerFault(format_axis_message(axis, shape), ("shared_axes", index))
        alpha[axis - 1] = 1
    return LayerOutput(shape, (Weight(tuple(alpha), "alpha"),), flops=count_operations(shape, 2))


RULES: ShapeRules = {
    Activation: _infer_activation,
    ReLU: infer_elementwise,
    LeakyReLU: infer_elementwise,
    PReLU: _infer_prelu,
    ELU: infer_elementwise,
    Softmax: _infer_softmax,
}
