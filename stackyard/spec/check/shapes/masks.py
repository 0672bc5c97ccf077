"""Which steps are left out: what a mask does to the layers after the one that made it.

A mask tells for each step of a row, so it has a row's axes but the last. Keras hands it on from layer to layer until
one does not know of masks.
"""

from stackyard.spec import layers
from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import Fault
from stackyard.spec.layers.recurrent import RecurrentBase

_HANDED_ON = (
    layers.Dense,
    layers.Activation,
    layers.Identity,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
    layers.Dropout,
    layers.AlphaDropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.ActivityRegularization,
    layers.BatchNormalization,
    layers.LayerNormalization,
    layers.GroupNormalization,
    layers.UnitNormalization,
    layers.Rescaling,
    layers.Normalization,
    layers.TimeDistributed,
)


def masked_after(layer: layers.Layer, *, masked: bool) -> bool:
    """Whether a mask comes out of `layer`, where one goes in or not."""
    match layer:
        case layers.Masking():
            return True
        case layers.Embedding():
            return layer.mask_zero
        case layers.SpectralNormalization():
            return masked_after(layer.layer, masked=masked)
        case layers.Bidirectional():
            return masked and layer.layer.return_sequences
        case RecurrentBase():
            return masked and layer.return_sequences
        case _:
            return masked and isinstance(layer, _HANDED_ON)


def mask_fault(layer: layers.Layer, shape: Shape, output: Shape) -> Fault | None:
    """Return why `layer` cannot take a mask with rows of `shape`, of which it makes rows of shape `output`."""
    match layer:
        case layers.Softmax():
            return Fault("expected no mask before Softmax, which Keras fits to the classes", fix='use "Activation"')
        case layers.GlobalAveragePooling1D() if layer.data_format == "channels_first":
            return Fault('expected "channels_last" with a mask, which goes by steps', ("data_format",))
        case layers.TimeDistributed():
            return _inside(layer, shape, output)
        case _:
            return None


def _inside(layer: layers.TimeDistributed, shape: Shape, output: Shape) -> Fault | None:
    if fault := mask_fault(layer.layer, shape[1:], output[1:]):
        return Fault(fault.message, ("layer", *fault.at))
    if len(shape) != len(output):
        message = "expected no mask before a layer that takes axes away or adds some, as Keras's mask keeps its own"
        return Fault(message, ("layer",))
    return None
