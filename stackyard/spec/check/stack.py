"""The layers, one after the other."""

import re
from collections import Counter

from stackyard.spec.check.faults import Faults
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.check.shapes import infer
from stackyard.spec.layers import Layer


def walk(layers: tuple[Layer, ...], shape: Shape | None, faults: Faults) -> tuple[LayerReport, ...] | None:
    """Return what each layer makes of rows of `shape`, or None where one cannot, and note why."""
    names = _names(layers, faults)
    reports: list[LayerReport] = []
    for index, layer in enumerate(layers):
        if shape is None:
            return None
        made, wrong = infer(layer, shape)
        for fault in wrong:
            faults.add(fault.message, "network", "layers", index, *fault.at)
        if made is None:
            return None
        shape = made.shape
        trained = made.parameters(trainable=True) if layer.trainable else 0
        reports.append(
            LayerReport(
                index=index,
                type=layer.type,
                name=names[index],
                output_shape=shape,
                parameters=made.parameters(),
                trainable_parameters=trained,
            )
        )
    return tuple(reports)


def _names(layers: tuple[Layer, ...], faults: Faults) -> list[str]:
    """Return what Keras, in a process of its own, calls each layer; all names have to differ."""
    made: Counter[str] = Counter()
    names: list[str] = []
    for index, layer in enumerate(layers):
        name = layer.name or _made_up(layer, made)
        if name in names:
            message = f'expected names that differ, received "{name}", which is the name of layer {names.index(name)}'
            faults.add(message, "network", "layers", index, "name")
        names.append(name)
    return names


def _made_up(layer: Layer, made: Counter[str]) -> str:
    stem = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", layer.type)
    stem = re.sub("([a-z])([A-Z])", r"\1_\2", stem).lower()
    made[stem] += 1
    return stem if made[stem] == 1 else f"{stem}_{made[stem] - 1}"
