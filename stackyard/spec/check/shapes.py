"""Which shape each kind of layer makes of its input's, with which weights: integers alone, nothing is allocated."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stackyard.spec.base import Part
from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import Fault, Weight, weight_faults
from stackyard.spec.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNormalization,
    PReLU,
    Softmax,
)
from stackyard.spec.pointers import Step
from stackyard.spec.regularizers import OrthogonalRegularizer

_SOFTMAXES = frozenset({"softmax", "log_softmax", "sparsemax"})


@dataclass(frozen=True)
class Made:
    """What a layer makes: the output's shape and the weights, in Keras's order."""

    shape: Shape
    weights: tuple[Weight, ...] = ()

    def parameters(self, *, trainable: bool | None = None) -> int:
        """How many numbers the weights hold, all or only the trainable or the other ones."""
        return sum(weight.size for weight in self.weights if trainable in (None, weight.trainable))


def infer(layer: Layer, shape: Shape) -> tuple[Made | None, list[Fault]]:
    """Return what `layer` makes of rows of `shape`, or None where it cannot take them, and what is wrong with it."""
    made = _RULES.get(type(layer), _same)(layer, shape)
    if isinstance(made, Fault):
        return None, [made]
    return made, [fault for weight in made.weights for fault in weight_faults(layer, weight)]


def _same(_: Layer, shape: Shape) -> Made:
    return Made(shape)


def _dense(layer: Dense, shape: Shape) -> Made | Fault:
    if not shape:
        return Fault("expected rows of at least one axis, received single numbers: put a Flatten before")
    output = (*shape[:-1], layer.units)
    if fault := _activation_fault(layer.activation, output) or _activity_fault(layer, output):
        return fault
    weights = [Weight((shape[-1], layer.units), "kernel", trainable=layer.lora_rank is None)]
    if layer.use_bias:
        weights.append(Weight((layer.units,), "bias"))
    if layer.lora_rank is not None:
        weights += [Weight((shape[-1], layer.lora_rank)), Weight((layer.lora_rank, layer.units))]
    return Made(output, tuple(weights))


def _activity_fault(layer: Dense, output: Shape) -> Fault | None:
    if not isinstance(layer.activity_regularizer, OrthogonalRegularizer):
        return None
    if len(output) == 1 and layer.activity_regularizer.mode == "columns":
        return None
    wanted = 'expected the mode "columns" and rows of one axis, as a batch has no fixed number of rows'
    return Fault(f"{wanted}; received rows of shape {list(output)}", ("activity_regularizer",))


def _activation(layer: Activation, shape: Shape) -> Made | Fault:
    return _activation_fault(layer.activation, shape) or Made(shape)


def _activation_fault(name: str | None, shape: Shape) -> Fault | None:
    if name not in _SOFTMAXES:
        return None
    if not shape:
        return Fault(f"expected rows of at least one axis for {name}, received single numbers", ("activation",))
    return _one_alone(name, shape[-1], "activation") if shape[-1] == 1 else None


def _one_alone(name: str, size: int, at: str) -> Fault:
    why = f"expected {name} over 2 outputs or more, received {size}, whose share is always 1"
    return Fault(f'{why}: use "sigmoid" for a yes or no, and no activation for a number', (at,))


def _softmax(layer: Softmax, shape: Shape) -> Made | Fault:
    axes = _axes(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    size = math.prod(shape[axis] for axis in axes)
    return _one_alone("Softmax", size, "axis") if size == 1 else Made(shape)


def _axes(axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...] | Fault:
    """Return axes that count the batch as positions in `shape`, which does not."""
    found: list[int] = []
    for index, one in enumerate((axis,) if isinstance(axis, int) else axis):
        at: tuple[Step, ...] = ("axis",) if isinstance(axis, int) else ("axis", index)
        place = one if one >= 0 else one + len(shape) + 1
        if not 1 <= place <= len(shape):
            return Fault(_axis_message(one, shape), at)
        if place - 1 in found:
            return Fault(f"expected each axis once, received {one} for one that is there already", at)
        found.append(place - 1)
    return tuple(found)


def _axis_message(axis: int, shape: Shape) -> str:
    rank = len(shape)
    if not rank:
        return f"expected rows of at least one axis, received single numbers and the axis {axis}"
    known = "1 or -1" if rank == 1 else f"from 1 to {rank} or from {-rank} to -1"
    received = "0, the batch" if axis in (0, -rank - 1) else str(axis)
    return f"expected an axis {known} for rows of shape {list(shape)}, received {received}"


def _prelu(layer: PReLU, shape: Shape) -> Made | Fault:
    sizes = list(shape)
    for index, axis in enumerate(layer.shared_axes or ()):
        if axis > len(shape):
            return Fault(_axis_message(axis, shape), ("shared_axes", index))
        sizes[axis - 1] = 1
    return Made(shape, (Weight(tuple(sizes), "alpha"),))


def _dropout(layer: Dropout, shape: Shape) -> Made | Fault:
    noise = layer.noise_shape
    if noise is None:
        return Made(shape)
    batch = (None, *shape)
    if len(noise) != len(batch) or noise[0] not in (None, 1):
        wanted = f"expected {len(batch)} sizes, the first null or 1 for the batch"
        return Fault(f"{wanted}; received {len(noise)}", ("noise_shape",))
    for index, (size, there) in enumerate(zip(noise, batch, strict=True)):
        if index and size not in (None, 1, there):
            return Fault(f"expected null, 1 or {there}, received {size}", ("noise_shape", index))
    return Made(shape)


def _batch_normalization(layer: BatchNormalization, shape: Shape) -> Made | Fault:
    axes = _axes(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    sizes = (shape[axes[0]],)
    weights = [
        *_scale_and_shift(layer, sizes),
        Weight(sizes, "moving_mean", trainable=False),
        Weight(sizes, "moving_variance", trainable=False),
    ]
    if layer.renorm:
        weights += [Weight(sizes, trainable=False)] * 3
    return Made(shape, tuple(weights))


def _layer_normalization(layer: LayerNormalization, shape: Shape) -> Made | Fault:
    axes = _axes(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    return Made(shape, tuple(_scale_and_shift(layer, tuple(shape[axis] for axis in sorted(axes)))))


def _scale_and_shift(layer: BatchNormalization | LayerNormalization, sizes: Shape) -> list[Weight]:
    weights = [Weight(sizes, "gamma")] if layer.scale else []
    return [*weights, Weight(sizes, "beta")] if layer.center else weights


def _flatten(_: Flatten, shape: Shape) -> Made:
    return Made((math.prod(shape),))


_Rule = Callable[[Any, Shape], Made | Fault]

_RULES: dict[type[Part], _Rule] = {
    Dense: _dense,
    Activation: _activation,
    Softmax: _softmax,
    PReLU: _prelu,
    Dropout: _dropout,
    BatchNormalization: _batch_normalization,
    LayerNormalization: _layer_normalization,
    Flatten: _flatten,
}
"""The layers that are not here leave every shape as it is and have no weights."""
