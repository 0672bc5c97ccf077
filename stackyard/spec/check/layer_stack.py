"""Check the layers of a network, one after the other."""

import math
from collections import Counter

from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.check.shapes import LayerOutput, find_mask_fault, has_output_mask, infer_layer_output
from stackyard.spec.layers import Bidirectional, Layer, SpectralNormalization, TimeDistributed
from stackyard.spec.naming import generate_name

_MAX_ROW_SIZE = 2**256
"""Beyond every limit that is checked later. Without this bound, sizes could grow until time and memory run out."""


def check_layers(
    layers: tuple[Layer, ...], shape: Shape | None, faults: FaultCollector
) -> tuple[LayerReport, ...] | None:
    """Return a report for each layer, or None where a layer cannot follow, and add the faults.

    Args:
        layers: The layers of the network, in order.
        shape: The shape of the network's input, or None if a fault of the data hides it.
        faults: Collects the faults.
    """
    names = _name_layers(layers, faults)
    reports: list[LayerReport] = []
    has_mask = False
    for index, layer in enumerate(layers):
        if shape is None:
            return None
        output, layer_faults = infer_layer_output(layer, shape)
        if output and has_mask and (fault := find_mask_fault(layer, shape, output.shape)):
            layer_faults.append(fault)
        for fault in layer_faults:
            faults.add(fault.message, "network", "layers", index, *fault.path, fix=fault.fix)
        if output is None:
            return None
        if math.prod(output.shape) > _MAX_ROW_SIZE:
            faults.add("expected smaller rows, received more than 2**256 numbers", "network", "layers", index)
            return None
        shape, has_mask = output.shape, has_output_mask(layer, has_input_mask=has_mask)
        reports.append(_build_layer_report(index, layer, names[index], output))
    return tuple(reports)


def _build_layer_report(index: int, layer: Layer, name: str, output: LayerOutput) -> LayerReport:
    return LayerReport(
        index=index,
        type=layer.type,
        name=name,
        output_shape=output.shape,
        parameters=output.count_parameters(),
        trainable_parameters=output.count_parameters(trainable=True) if layer.trainable else 0,
        flops=output.flops,
    )


def _name_layers(layers: tuple[Layer, ...], faults: FaultCollector) -> list[str]:
    """Return the name that Keras gives each layer in a new process; add a fault where two names are equal."""
    type_counts: Counter[str] = Counter()
    names: list[str] = []
    first_index: dict[str, int] = {}
    for index, layer in enumerate(layers):
        _count_inner_layers(layer, type_counts)
        name = layer.name or generate_name(layer.type, type_counts)
        if name in first_index:
            message = f'expected names that differ, received "{name}", which is the name of layer {first_index[name]}'
            faults.add(message, "network", "layers", index, "name")
        first_index.setdefault(name, index)
        names.append(name)
    return names


def _count_inner_layers(layer: Layer, type_counts: Counter[str]) -> None:
    """Count the default names of wrapped layers, which Keras assigns before the wrapper's own."""
    if not isinstance(layer, Bidirectional | SpectralNormalization | TimeDistributed):
        return
    backward = layer.backward_layer if isinstance(layer, Bidirectional) else None
    for inner in (layer.layer, backward):
        if inner is not None and inner.name is None:
            generate_name(inner.type, type_counts)
