"""Infer the output of wrapper layers; the path of a fault leads into the wrapped layer."""

from dataclasses import replace

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import LayerOutput, count_operations, format_rows
from stackyard.spec.check.shapes.plain import infer_plain
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import Bidirectional, NonWrapperLayer, SpectralNormalization, TimeDistributed

_OutputAndFaults = tuple[LayerOutput | None, list[LayerFault]]

Wrapper = Bidirectional | SpectralNormalization | TimeDistributed


def infer_wrapper(layer: Wrapper, shape: Shape) -> _OutputAndFaults:
    """Return the output and the faults, like `infer_layer_output`, of a layer that wraps another."""
    match layer:
        case Bidirectional():
            return _infer_bidirectional(layer, shape)
        case SpectralNormalization():
            return _infer_spectral_normalization(layer, shape)
        case TimeDistributed():
            return _infer_time_distributed(layer, shape)


def _infer_inner(layer: NonWrapperLayer, shape: Shape, argument: str) -> _OutputAndFaults:
    output, faults = infer_plain(layer, shape)
    return output, [LayerFault(fault.message, (argument, *fault.path)) for fault in faults]


def _infer_bidirectional(layer: Bidirectional, shape: Shape) -> _OutputAndFaults:
    forward, faults = _infer_inner(layer.layer, shape, "layer")
    backward = forward
    if layer.backward_layer is not None:
        backward, backward_faults = _infer_inner(layer.backward_layer, shape, "backward_layer")
        faults = faults + backward_faults
    if forward is None or backward is None:
        return None, faults
    output = forward.shape
    if layer.merge_mode == "concat":
        output = (*output[:-1], output[-1] + backward.shape[-1])
    merge_operations = {"concat": 0, "sum": 1, "mul": 1, "ave": 2}[layer.merge_mode]
    flops = forward.flops + backward.flops + count_operations(output, merge_operations)
    return LayerOutput(output, (*forward.weights, *backward.weights), flops), faults


def _infer_spectral_normalization(layer: SpectralNormalization, shape: Shape) -> _OutputAndFaults:
    """Keras normalizes only in training: the forward pass of a trained network costs as much as the wrapped layer."""
    output, faults = _infer_inner(layer.layer, shape, "layer")
    if output is None:
        return None, faults
    kernel, *others = output.weights
    vector = Weight((1, kernel.shape[-1]), trainable=False)
    return replace(output, weights=(kernel, vector, *others)), faults


def _infer_time_distributed(layer: TimeDistributed, shape: Shape) -> _OutputAndFaults:
    if len(shape) < 2:  # noqa: PLR2004  # the steps, and at least one axis of each step
        message = f"expected rows of at least 2 axes, received {format_rows(shape)}"
        return None, [LayerFault(message, fix="put a Reshape before it")]
    output, faults = _infer_inner(layer.layer, shape[1:], "layer")
    if output is None:
        return None, faults
    return LayerOutput((shape[0], *output.shape), output.weights, shape[0] * output.flops), faults
