"""Layers that go through a sequence step by step."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import activation_fault, activity_fault
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, wrong_rank
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers import GRU, LSTM, SimpleRNN
from stackyard.spec.layers.recurrent import RecurrentBase

_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
_OPERATIONS = {"SimpleRNN": 1, "GRU": 8, "LSTM": 9}
"""For each unit at each step, besides the matrices: activations, and how the gates are combined."""


def _recurrent(layer: RecurrentBase, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, 2):
        return fault
    steps, inputs = shape
    output = (steps, layer.units) if layer.return_sequences else (layer.units,)
    if fault := _output_fault(layer, output):
        return fault
    columns = _GATES[layer.type] * layer.units
    weights = [Weight((inputs, columns), "kernel"), Weight((layer.units, columns), "recurrent")]
    if layer.use_bias:
        weights.append(Weight((2, columns) if _has_two_biases(layer) else (columns,), "bias"))
    step = sum(each(weight.shape, 1 if weight.role == "bias" else 2) for weight in weights)
    return Made(output, tuple(weights), steps * (step + _OPERATIONS[layer.type] * layer.units))


def _output_fault(layer: RecurrentBase, output: Shape) -> Fault | None:
    return (
        activation_fault(layer.activation, output)
        or activation_fault(getattr(layer, "recurrent_activation", None), output, "recurrent_activation")
        or activity_fault(layer.activity_regularizer, output)
    )


def _has_two_biases(layer: RecurrentBase) -> bool:
    return isinstance(layer, GRU) and layer.reset_after


RULES: Rules = {SimpleRNN: _recurrent, GRU: _recurrent, LSTM: _recurrent}
