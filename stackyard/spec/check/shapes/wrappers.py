"""Layers around another: what is wrong inside is told there."""

from dataclasses import replace

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import Made, each, rows
from stackyard.spec.check.shapes.plain import infer_plain
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers import Bidirectional, Plain, SpectralNormalization, TimeDistributed

_Inferred = tuple[Made | None, list[Fault]]

Wrapper = Bidirectional | SpectralNormalization | TimeDistributed


def infer_wrapper(layer: Wrapper, shape: Shape) -> _Inferred:
    """Do as `infer`, for a layer around another."""
    match layer:
        case Bidirectional():
            return _bidirectional(layer, shape)
        case SpectralNormalization():
            return _spectral(layer, shape)
        case TimeDistributed():
            return _time_distributed(layer, shape)


def _inside(layer: Plain, shape: Shape, at: str) -> _Inferred:
    made, faults = infer_plain(layer, shape)
    return made, [Fault(fault.message, (at, *fault.at)) for fault in faults]


def _bidirectional(layer: Bidirectional, shape: Shape) -> _Inferred:
    made, faults = _inside(layer.layer, shape, "layer")
    back = made
    if layer.backward_layer is not None:
        back, more = _inside(layer.backward_layer, shape, "backward_layer")
        faults = faults + more
    if made is None or back is None:
        return None, faults
    output = made.shape
    if layer.merge_mode == "concat":
        output = (*output[:-1], output[-1] + back.shape[-1])
    merging = {"concat": 0, "sum": 1, "mul": 1, "ave": 2}[layer.merge_mode]
    flops = made.flops + back.flops + each(output, merging)
    return Made(output, (*made.weights, *back.weights), flops), faults


def _spectral(layer: SpectralNormalization, shape: Shape) -> _Inferred:
    """Only the training normalises: the forward pass of a trained network costs what the layer within does."""
    made, faults = _inside(layer.layer, shape, "layer")
    if made is None:
        return None, faults
    kernel, *others = made.weights
    vector = Weight((1, kernel.shape[-1]), trainable=False)
    return replace(made, weights=(kernel, vector, *others)), faults


def _time_distributed(layer: TimeDistributed, shape: Shape) -> _Inferred:
    if len(shape) < 2:  # noqa: PLR2004  # steps, and something at each
        return None, [
            Fault(f"expected rows of at least 2 axes, received {rows(shape)}", fix="put a Reshape before it")
        ]
    made, faults = _inside(layer.layer, shape[1:], "layer")
    if made is None:
        return None, faults
    return Made((shape[0], *made.shape), made.weights, shape[0] * made.flops), faults
