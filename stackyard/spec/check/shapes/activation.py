"""Activations, as layers and as arguments of layers."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.axes import axis_message, positions
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, elementwise
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from stackyard.spec.network.regularizers import OrthogonalRegularizer, Regularizer

_SOFTMAXES = frozenset({"softmax", "log_softmax", "sparsemax"})
_SOFTMAX_OPERATIONS = 3
"""An exponential, a sum and a division for each number."""


def activation_fault(name: str | None, shape: Shape, at: str = "activation") -> Fault | None:
    """Return what is wrong with an activation of outputs of `shape`."""
    if name not in _SOFTMAXES:
        return None
    if not shape:
        return Fault(f"expected rows of at least one axis for {name}, received single numbers", (at,))
    return _one_alone(name, shape[-1], at) if shape[-1] == 1 else None


def activation_flops(name: str | None, shape: Shape) -> int:
    """Return what an activation of outputs of `shape` costs."""
    if name is None or name == "linear":
        return 0
    return each(shape, _SOFTMAX_OPERATIONS if name in _SOFTMAXES else 1)


def activity_fault(regularizer: Regularizer | None, output: Shape) -> Fault | None:
    """Return what is wrong with a penalty on outputs of shape `output`."""
    if not isinstance(regularizer, OrthogonalRegularizer):
        return None
    if len(output) == 1 and regularizer.mode == "columns":
        return None
    wanted = 'expected the mode "columns" and rows of one axis, as a batch has no fixed number of rows'
    return Fault(f"{wanted}; received rows of shape {list(output)}", ("activity_regularizer",))


def _one_alone(name: str, size: int, at: str) -> Fault:
    why = f"expected {name} over 2 outputs or more, received {size}, whose share is always 1"
    return Fault(why, (at,), 'use "sigmoid" for a yes or no, and no activation for a number')


def _activation(layer: Activation, shape: Shape) -> Made | Fault:
    return activation_fault(layer.activation, shape) or Made(shape, flops=activation_flops(layer.activation, shape))


def _softmax(layer: Softmax, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    size = math.prod(shape[axis] for axis in axes)
    flops = each(shape, _SOFTMAX_OPERATIONS)
    return _one_alone("Softmax", size, "axis") if size == 1 else Made(shape, flops=flops)


def _prelu(layer: PReLU, shape: Shape) -> Made | Fault:
    sizes = list(shape)
    for index, axis in enumerate(layer.shared_axes or ()):
        if axis > len(shape):
            return Fault(axis_message(axis, shape), ("shared_axes", index))
        sizes[axis - 1] = 1
    return Made(shape, (Weight(tuple(sizes), "alpha"),), flops=each(shape, 2))


RULES: Rules = {
    Activation: _activation,
    ReLU: elementwise,
    LeakyReLU: elementwise,
    PReLU: _prelu,
    ELU: elementwise,
    Softmax: _softmax,
}
