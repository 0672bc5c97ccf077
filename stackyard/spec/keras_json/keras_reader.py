"""Converts the JSON of a Keras model, as `keras.Model.to_json()` writes it, to the network of a spec."""

import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter

from stackyard.spec.keras_json.inputs import InputShape, is_input_layer, parse_batch_shape, parse_input_layer
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.layer_chain import sort_layers
from stackyard.spec.keras_json.minimal import to_minimal_layers
from stackyard.spec.keras_json.omissions import Omission
from stackyard.spec.keras_json.training import parse_compile_config
from stackyard.spec.keras_json.translation import (
    KerasTranslator,
    build_fault,
    collect_spec_classes,
    find_class_fault,
    find_dtype_faults,
)
from stackyard.spec.layers import Layer
from stackyard.spec.limits import Limits
from stackyard.spec.network.network import Network
from stackyard.spec.reading.faults import MAX_FAULTS, Fault, SpecError, format_value
from stackyard.spec.reading.json_document import JsonObject, decode_json_object

_MODEL_CLASSES = ("Sequential", "Functional")
_LAYERS = "/config/layers"
_NETWORK = TypeAdapter(Network)
_GENERATED_NAME = re.compile(r"(sequential|functional)(_\d+)?")


class ImportedModel(BaseModel):
    """A Keras model in terms of a spec.

    Attributes:
        network: The `network` of a spec, with the arguments that differ from the defaults.
        input_shape: The shape of one row, with null for an axis without a fixed size. Null if the model has no input.
        training: The `optimizer`, `loss` and `metrics` of a compiled model, as far as a spec can express them.
        left_out: Settings that are not kept, with the reasons. The network computes the same without them.

    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    network: dict[str, Any]
    input_shape: InputShape | None
    training: dict[str, Any] | None
    left_out: tuple[Omission, ...]


def parse_keras_json(text: bytes, limits: Limits | None = None) -> ImportedModel:
    """Parse the JSON of a Keras model as a network. No code in it is loaded or called.

    Args:
        text: The result of `model.to_json()`, or the `config.json` of a `.keras` file, which need not be trusted. The
            model is Sequential, or functional with its layers in a single chain.
        limits: Bounds on its size; the defaults if None.

    Returns:
        A network from which Keras builds the same layers, each with its name and every argument.

    Raises:
        SpecError: With everything that a spec cannot express, at pointers into `text`. No other exception.

    """
    limits = limits or Limits()
    document = decode_json_object(text, limits)
    if model_faults := list(_find_model_faults(document, limits)):
        raise SpecError(model_faults)
    config, translator = cast("JsonObject", document["config"]), KerasTranslator()
    faults, omissions = translator.faults, translator.omissions
    faults += [*find_dtype_faults(config.get("dtype"), "/config/dtype"), *_find_frozen_model_fault(config)]
    order = _order_layers(document, config, faults)
    input_shape = _read_input_shape(config, order[0], faults, omissions)
    translated = _translate_layers(config, order, translator)
    network = translator.validate(_NETWORK, {"layers": translated}) if translated else None
    if network is None:
        raise SpecError(faults)
    omissions += _find_name_omission(config)
    training = parse_compile_config(document.get("compile_config"), omissions)
    return ImportedModel(
        network={"layers": list(to_minimal_layers(network.layers))},
        input_shape=input_shape,
        training=training,
        left_out=_limit_omissions(omissions),
    )


def _find_model_faults(document: JsonObject, limits: Limits) -> Iterator[Fault]:
    """Yield the reasons why a document is not a model with layers that can be translated."""
    if "module" not in document:
        yield Fault(pointer="", message='expected the to_json() of a Keras 3 model; received no "module"')
    elif document.get("class_name") not in _MODEL_CLASSES:
        origin = "/class_name" if "class_name" in document else ""
        yield build_fault(origin, f"one of the models {' and '.join(_MODEL_CLASSES)}", document.get("class_name"))
    elif fault := find_class_fault(document, ""):
        yield fault
    else:
        yield from _find_layer_list_faults(document.get("config"), limits)


def _find_layer_list_faults(config: object, limits: Limits) -> Iterator[Fault]:
    members = as_object(config) or {}
    layers = as_array(members.get("layers"))
    if layers is None:
        origin = _LAYERS if "layers" in members else ""
        yield build_fault(origin, 'a "config" with an array of "layers"', members.get("layers"))
        return
    if len(layers) > limits.max_layers + 1:  # one is the input
        message = f"expected at most {limits.max_layers} layers (limit max_layers), received {len(layers)}"
        yield Fault(pointer=_LAYERS, message=message)
    for index, layer in enumerate(layers):
        if as_object(layer) is None:
            yield build_fault(f"{_LAYERS}/{index}", "a layer as an object", layer)
    if all(is_input_layer(layer) for layer in layers):
        yield Fault(pointer=_LAYERS, message="expected at least one layer besides the input, received none")


def _find_frozen_model_fault(config: JsonObject) -> Iterator[Fault]:
    if config.get("trainable") is False and any(_is_trainable(layer) for layer in config["layers"]):
        yield build_fault("/config/trainable", "true", False, fix="freeze the layers themselves")  # noqa: FBT003  # as received


def _is_trainable(layer: JsonObject) -> bool:
    return not is_input_layer(layer) and (as_object(layer.get("config")) or {}).get("trainable") is True


def _order_layers(document: JsonObject, config: JsonObject, faults: list[Fault]) -> list[int]:
    listed = list(range(len(config["layers"])))
    return listed if document["class_name"] == "Sequential" else sort_layers(config, faults) or listed


def _translate_layers(config: JsonObject, order: list[int], translator: KerasTranslator) -> list[object]:
    layers: list[JsonObject] = config["layers"]
    layer_classes = collect_spec_classes(Layer)
    documents: list[object] = []
    for index in order[1:] if is_input_layer(layers[order[0]]) else order:
        document = translator.translate(
            layers[index], layer_classes, f"/layers/{len(documents)}", f"{_LAYERS}/{index}"
        )
        if document is not None:
            documents.append(document)
    return documents


def _read_input_shape(
    config: JsonObject, first: int, faults: list[Fault], omissions: list[Omission]
) -> InputShape | None:
    layer: JsonObject = config["layers"][first]
    if is_input_layer(layer):
        return parse_input_layer(layer, f"{_LAYERS}/{first}", faults, omissions)
    batch_shape = config.get("build_input_shape")
    if batch_shape is None:
        return None
    return parse_batch_shape(batch_shape, "/config/build_input_shape", faults, omissions)


def _find_name_omission(config: JsonObject) -> Iterator[Omission]:
    name = config.get("name")
    if name is not None and not _GENERATED_NAME.fullmatch(str(name)):
        yield Omission(pointer="/config/name", message=f"the name {format_value(name)}: a spec's network has none")


def _limit_omissions(omissions: list[Omission]) -> tuple[Omission, ...]:
    others = len(omissions) - MAX_FAULTS
    rest = [Omission(pointer="", message=f"and {others} more")] if others > 0 else []
    return (*omissions[:MAX_FAULTS], *rest)
