"""Any layer."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import Made
from stackyard.spec.check.shapes.plain import infer_plain
from stackyard.spec.check.shapes.wrappers import infer_wrapper
from stackyard.spec.check.weights import Fault
from stackyard.spec.layers import Bidirectional, Layer, SpectralNormalization, TimeDistributed


def infer(layer: Layer, shape: Shape) -> tuple[Made | None, list[Fault]]:
    """Return what `layer` makes of rows of `shape`, or None where it cannot take them, and what is wrong with it."""
    if isinstance(layer, Bidirectional | SpectralNormalization | TimeDistributed):
        return infer_wrapper(layer, shape)
    return infer_plain(layer, shape)
