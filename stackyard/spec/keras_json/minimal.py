"""Writes objects of a spec as a person would: only the values that differ from the defaults, in Keras's order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

from stackyard.spec.base import SpecModel
from stackyard.spec.layers import Bidirectional, Layer
from stackyard.spec.naming import generate_name
from stackyard.spec.reading.json_document import JsonObject

_SIZES = frozenset({"dilation_rate", "padding", "pool_size", "strides"})
"""Arguments in which one number stands for an array of it. Keras writes the array."""


def to_minimal_document(value: SpecModel) -> JsonObject:
    """Return the shortest document, `type` first, that parses as `value` or from which Keras builds the same."""
    value = _remove_default_backward_layer(value) if isinstance(value, Bidirectional) else value
    document: JsonObject = {}
    for name in type(value).model_fields:
        argument = getattr(value, name)
        if name == "type" or not _is_default(value, name, argument):
            document[name] = _to_json(argument)
    return document


def to_minimal_layers(layers: Sequence[Layer]) -> Iterator[JsonObject]:
    """Yield a document for each layer, without the names that Keras would generate again."""
    counts: Counter[str] = Counter()
    for layer in layers:
        document = to_minimal_document(layer)
        next_counts = counts.copy()
        if layer.name in (None, generate_name(layer.type, next_counts)):
            document.pop("name", None)
            counts = next_counts
        yield document


def _is_default(owner: SpecModel, name: str, value: object) -> bool:
    default = type(owner).model_fields[name].default
    if name == "strides" and default is None:  # of a pooling layer
        default = getattr(owner, "pool_size", None)
    if name in _SIZES and isinstance(value, tuple) and isinstance(default, int):
        return all(size == default for size in cast("tuple[object, ...]", value))
    return value == default


def _remove_default_backward_layer(layer: Bidirectional) -> Bidirectional:
    """Return the layer without its backward layer if Keras would create the same one; Keras always writes it."""
    forward = layer.layer
    name = (forward.name or "").removeprefix("forward_")
    mirrored = forward.model_copy(update={"name": f"backward_{name}", "go_backwards": True})
    if forward.go_backwards or forward.name != f"forward_{name}" or layer.backward_layer != mirrored:
        return layer
    return layer.model_copy(update={"layer": forward.model_copy(update={"name": name}), "backward_layer": None})


def _to_json(value: object) -> Any:
    if isinstance(value, SpecModel):
        return to_minimal_document(value)
    if isinstance(value, tuple):
        return [_to_json(item) for item in cast("tuple[object, ...]", value)]
    return value
