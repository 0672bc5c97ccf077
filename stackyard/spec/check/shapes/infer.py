"""Infer the output of any layer."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import LayerOutput
from stackyard.spec.check.shapes.plain import infer_plain
from stackyard.spec.check.shapes.wrappers import infer_wrapper
from stackyard.spec.check.weights import LayerFault
from stackyard.spec.layers import Bidirectional, Layer, SpectralNormalization, TimeDistributed


def infer_layer_output(layer: Layer, shape: Shape) -> tuple[LayerOutput | None, list[LayerFault]]:
    """Return the output of `layer` for rows of `shape`, or None if it cannot take them, and its faults."""
    if isinstance(layer, Bidirectional | SpectralNormalization | TimeDistributed):
        return infer_wrapper(layer, shape)
    return infer_plain(layer, shape)
