"""Bound the operations that TensorFlow repeats in a graph: steps of unrolled layers, and power iterations."""

from collections.abc import Iterator, Sequence

from stackyard.spec.base import SpecModel
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.layers import Bidirectional, Layer, SpectralNormalization, TimeDistributed
from stackyard.spec.layers.recurrent import RecurrentBase
from stackyard.spec.limits import Limits
from stackyard.spec.reading.json_pointers import PathSegment

Repetition = tuple[tuple[PathSegment, ...], int]
"""The path from the network's layers to the argument or layer that repeats, and the number of repetitions."""


def check_repetitions(
    layers: Sequence[Layer], input_shape: Shape, reports: Sequence[LayerReport], limits: Limits, faults: FaultCollector
) -> None:
    """Add a fault at the first layer with which the network repeats more than the limits allow.

    Args:
        layers: the layers of the network.
        input_shape: of a row of the network.
        reports: of the layers.
        limits: the bounds.
        faults: collects the faults.

    """
    shapes = [input_shape, *(report.output_shape for report in reports)]
    unrolled = [
        ((index, *path), steps)
        for index, (layer, shape) in enumerate(zip(layers, shapes, strict=False))
        for path, steps in _list_unrolled_steps(layer, shape)
    ]
    message = "expected at most {limit} unrolled steps in the network (limit max_unrolled_steps), received {count}"
    fix = "take a layer that is not unrolled: Keras's graph has a copy of the layer for each step"
    _check_sum(unrolled, limits.max_unrolled_steps, message, fix, faults)
    _check_sum(
        list(_list_power_iterations(layers)),
        limits.max_power_iterations,
        "expected at most {limit} power iterations in the network (limit max_power_iterations), received {count}",
        "take a smaller number, such as 1: the vector is kept from step to step",
        faults,
    )
    _check_dilations(layers, limits, faults)


def count_unrolled_steps(layer: Layer, shape: Shape) -> int:
    """Return how often the graph contains a layer that takes rows of `shape`; 1 if it is not unrolled."""
    return sum(steps for _, steps in _list_unrolled_steps(layer, shape)) or 1


def _list_unrolled_steps(layer: Layer, shape: Shape) -> Iterator[Repetition]:
    match layer:
        case RecurrentBase() if layer.unroll:
            yield ("unroll",), shape[0]
        case Bidirectional():
            for name, inner in (("layer", layer.layer), ("backward_layer", layer.backward_layer or layer.layer)):
                if inner.unroll:
                    path = ("layer" if layer.backward_layer is None else name, "unroll")
                    yield path, shape[0]
        case TimeDistributed():
            yield (), shape[0] * count_unrolled_steps(layer.layer, shape[1:])
        case _:
            return


def _list_power_iterations(layers: Sequence[Layer]) -> Iterator[Repetition]:
    for index, layer in enumerate(layers):
        if isinstance(layer, SpectralNormalization):
            yield (index, "power_iterations"), layer.power_iterations


def _check_sum(repetitions: Sequence[Repetition], limit: int, message: str, fix: str, faults: FaultCollector) -> None:
    total = sum(count for _, count in repetitions)
    count = 0
    for path, repeated in repetitions:
        count += repeated
        if count > limit:
            faults.add(message.format(limit=limit, count=total), "network", "layers", *path, fix=fix)
            return


def _check_dilations(layers: Sequence[Layer], limits: Limits, faults: FaultCollector) -> None:
    for index, layer in enumerate(layers):
        for path, inner in ((), layer), (("layer",), getattr(layer, "layer", None)):
            dilation = _get_dilation(inner)
            if dilation > limits.max_dilation:
                message = f"expected a dilation of at most {limits.max_dilation} (limit max_dilation)"
                faults.add(
                    f"{message}, received {dilation}",
                    "network",
                    "layers",
                    index,
                    *path,
                    "dilation_rate",
                    fix="take a smaller one: TensorFlow pads the rows to a multiple of it",
                )


def _get_dilation(layer: SpecModel | None) -> int:
    """Return the largest dilation of a convolution; 1 for other layers."""
    dilation: int | tuple[int, ...] = getattr(layer, "dilation_rate", 1)
    return dilation if isinstance(dilation, int) else max(dilation)
