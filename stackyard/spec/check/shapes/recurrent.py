"""Shape rules of recurrent layers."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import find_activation_fault, find_activity_regularizer_fault
from stackyard.spec.check.shapes.layer_output import LayerOutput, ShapeRules, count_operations, find_rank_fault
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import GRU, LSTM, SimpleRNN
from stackyard.spec.layers.recurrent import RecurrentBase

_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
_OPERATIONS = {"SimpleRNN": 1, "GRU": 8, "LSTM": 9}
"""Operations of each unit at each step besides the matrix products: activations and combining the gates."""


def _infer_recurrent(layer: RecurrentBase, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, 2):
        return fault
    steps, inputs = shape
    output = (steps, layer.units) if layer.return_sequences else (layer.units,)
    if fault := _find_output_fault(layer, output):
        return fault
    columns = _GATES[layer.type] * layer.units
    weights = [Weight((inputs, columns), "kernel"), Weight((layer.units, columns), "recurrent")]
    if layer.use_bias:
        weights.append(Weight((2, columns) if _has_two_biases(layer) else (columns,), "bias"))
    step_flops = sum(count_operations(weight.shape, 1 if weight.role == "bias" else 2) for weight in weights)
    return LayerOutput(output, tuple(weights), steps * (step_flops + _OPERATIONS[layer.type] * layer.units))


def _find_output_fault(layer: RecurrentBase, output: Shape) -> LayerFault | None:
    return (
        find_activation_fault(layer.activation, output)
        or find_activation_fault(getattr(layer, "recurrent_activation", None), output, "recurrent_activation")
        or find_activity_regularizer_fault(layer.activity_regularizer, output)
    )


def _has_two_biases(layer: RecurrentBase) -> bool:
    return isinstance(layer, GRU) and layer.reset_after


RULES: ShapeRules = {SimpleRNN: _infer_recurrent, GRU: _infer_recurrent, LSTM: _infer_recurrent}
