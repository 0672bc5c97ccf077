"""Parts of a spec as a person would write them: what differs from the defaults, in Keras's order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

from stackyard.spec.base import Part
from stackyard.spec.layers import Bidirectional, Layer
from stackyard.spec.naming import made_up
from stackyard.spec.reading.json_document import JsonObject

_SIZES = frozenset({"dilation_rate", "padding", "pool_size", "strides"})
"""Arguments where one number stands for an array of it, as which Keras writes it."""


def minimal(part: Part) -> JsonObject:
    """Return the shortest document that is read as `part`, or as what Keras builds the same of; its `type` first."""
    part = _one_way(part) if isinstance(part, Bidirectional) else part
    said: JsonObject = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        if name == "type" or not _goes_without_saying(part, name, value):
            said[name] = _plain(value)
    return said


def minimal_layers(layers: Sequence[Layer]) -> Iterator[JsonObject]:
    """Yield a document for each layer, without the names that Keras would make up again."""
    made: Counter[str] = Counter()
    for layer in layers:
        said = minimal(layer)
        counted = made.copy()
        if layer.name in (None, made_up(layer.type, counted)):
            said.pop("name", None)
            made = counted
        yield said


def _goes_without_saying(part: Part, name: str, value: object) -> bool:
    default = type(part).model_fields[name].default
    if name == "strides" and default is None:  # a pooling layer's
        default = getattr(part, "pool_size", None)
    if name in _SIZES and isinstance(value, tuple) and isinstance(default, int):
        return all(size == default for size in cast("tuple[object, ...]", value))
    return value == default


def _one_way(layer: Bidirectional) -> Bidirectional:
    """Leave the backward layer to Keras, which writes the one that it made too, where it is what Keras makes."""
    forward = layer.layer
    name = (forward.name or "").removeprefix("forward_")
    mirrored = forward.model_copy(update={"name": f"backward_{name}", "go_backwards": True})
    if forward.go_backwards or forward.name != f"forward_{name}" or layer.backward_layer != mirrored:
        return layer
    return layer.model_copy(update={"layer": forward.model_copy(update={"name": name}), "backward_layer": None})


def _plain(value: object) -> Any:
    if isinstance(value, Part):
        return minimal(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    return value
