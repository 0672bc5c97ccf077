"""Follow masks through the layers.

A mask says which steps of a row are skipped, so it has the axes of a row without the last. Keras passes it from layer
to layer until a layer does not support masks.
"""

from stackyard.spec import layers
from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import LayerFault
from stackyard.spec.layers.recurrent import RecurrentBase

_MASK_PRESERVING_LAYERS = (
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


def has_output_mask(layer: layers.Layer, *, has_input_mask: bool) -> bool:
    """Return whether the output of `layer` has a mask, given whether its input has one."""
    match layer:
        case layers.Masking():
            return True
        case layers.Embedding():
            return layer.mask_zero
        case layers.SpectralNormalization():
            return has_output_mask(layer.layer, has_input_mask=has_input_mask)
        case layers.Bidirectional():
            return has_input_mask and layer.layer.return_sequences
        case RecurrentBase():
            return has_input_mask and layer.return_sequences
        case _:
            return has_input_mask and isinstance(layer, _MASK_PRESERVING_LAYERS)


def find_mask_fault(layer: layers.Layer, shape: Shape, output: Shape) -> LayerFault | None:
    """Return the fault of a layer that cannot take a mask, or None.

    Args:
        layer: A layer whose input has a mask.
        shape: The shape of its input rows.
        output: The shape of its output rows.
    """
    match layer:
        case layers.Softmax():
            return LayerFault(
                "expected no mask before Softmax, which Keras fits to the classes", fix='use "Activation"'
            )
        case layers.GlobalAveragePooling1D() if layer.data_format == "channels_first":
            return LayerFault('expected "channels_last" with a mask, which goes by steps', ("data_format",))
        case layers.TimeDistributed():
            return _find_inner_mask_fault(layer, shape, output)
        case _:
            return None


def _find_inner_mask_fault(layer: layers.TimeDistributed, shape: Shape, output: Shape) -> LayerFault | None:
    if fault := find_mask_fault(layer.layer, shape[1:], output[1:]):
        return LayerFault(fault.message, ("layer", *fault.path))
    if len(shape) != len(output):
        message = "expected no mask before a layer that takes axes away or adds some, as Keras's mask keeps its own"
        return LayerFault(message, ("layer",))
    return None
