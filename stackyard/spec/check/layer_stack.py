"""The layers, one after the other."""

import math
from collections import Counter

from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.check.shapes import Made, infer, mask_fault, masked_after
from stackyard.spec.layers import Bidirectional, Layer, SpectralNormalization, TimeDistributed
from stackyard.spec.naming import made_up

_ENDLESS = 2**256
"""Past all limits, which are looked at later; sizes that go on growing from here would take time and memory."""


def walk(layers: tuple[Layer, ...], shape: Shape | None, faults: Faults) -> tuple[LayerReport, ...] | None:
    """Return what each layer makes of rows of `shape`, or None where one cannot, and note why."""
    names = _names(layers, faults)
    reports: list[LayerReport] = []
    masked = False
    for index, layer in enumerate(layers):
        if shape is None:
            return None
        made, wrong = infer(layer, shape)
        if made and masked and (misfit := mask_fault(layer, shape, made.shape)):
            wrong.append(misfit)
        for fault in wrong:
            faults.add(fault.message, "network", "layers", index, *fault.at, fix=fault.fix)
        if made is None:
            return None
        if math.prod(made.shape) > _ENDLESS:
            faults.add("expected smaller rows, received more than 2**256 numbers", "network", "layers", index)
            return None
        shape, masked = made.shape, masked_after(layer, masked=masked)
        reports.append(_report(index, layer, names[index], made))
    return tuple(reports)


def _report(index: int, layer: Layer, name: str, made: Made) -> LayerReport:
    return LayerReport(
        index=index,
        type=layer.type,
        name=name,
        output_shape=made.shape,
        parameters=made.parameters(),
        trainable_parameters=made.parameters(trainable=True) if layer.trainable else 0,
        flops=made.flops,
    )


def _names(layers: tuple[Layer, ...], faults: Faults) -> list[str]:
    """Return what Keras, in a process of its own, calls each layer; all names have to differ."""
    counted: Counter[str] = Counter()
    names: list[str] = []
    first: dict[str, int] = {}
    for index, layer in enumerate(layers):
        _count_inner(layer, counted)
        name = layer.name or made_up(layer.type, counted)
        if name in first:
            message = f'expected names that differ, received "{name}", which is the name of layer {first[name]}'
            faults.add(message, "network", "layers", index, "name")
        first.setdefault(name, index)
        names.append(name)
    return names


def _count_inner(layer: Layer, counted: Counter[str]) -> None:
    """Count the names that Keras makes up for layers within, which come before the outer one's."""
    if not isinstance(layer, Bidirectional | SpectralNormalization | TimeDistributed):
        return
    backward = layer.backward_layer if isinstance(layer, Bidirectional) else None
    for inner in (layer.layer, backward):
        if inner is not None and inner.name is None:
            made_up(inner.type, counted)
