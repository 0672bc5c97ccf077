"""From what `keras.Model.to_json()` gives to the network of a spec."""

import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter

from stackyard.spec.keras_json.inputs import InputShape, is_input, read_input, read_shape
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.layer_chain import in_order
from stackyard.spec.keras_json.minimal import minimal_layers
from stackyard.spec.keras_json.omissions import LeftOut
from stackyard.spec.keras_json.training import read_training
from stackyard.spec.keras_json.translation import Translation, choices, foreign, policy_faults, refused
from stackyard.spec.layers import Layer
from stackyard.spec.limits import Limits
from stackyard.spec.network.network import Network
from stackyard.spec.reading.faults import MOST_PROBLEMS, Problem, SpecError, say
from stackyard.spec.reading.json_document import JsonObject, decode

_MODELS = ("Sequential", "Functional")
_LAYERS = "/config/layers"
_NETWORK = TypeAdapter(Network)
_MADE_UP = re.compile(r"(sequential|functional)(_\d+)?")


class Imported(BaseModel):
    """What a Keras model is in a spec's words.

    Attributes:
        network: a spec's `network`, with what differs from the defaults.
        input_shape: of one row; null for an axis of no fixed size, and altogether where the model names no input.
        training: the `optimizer`, `loss` and `metrics` of a compiled model, as far as a spec can say them.
        left_out: what is not kept, and why. The network does the same without it.

    """

    model_config = ConfigDict(frozen=True)

    network: dict[str, Any]
    input_shape: InputShape | None
    training: dict[str, Any] | None
    left_out: tuple[LeftOut, ...]


def read_keras(text: bytes, limits: Limits | None = None) -> Imported:
    """Read a Keras model's JSON as a network. Nothing in it is loaded, called or looked up.

    Args:
        text: what `model.to_json()` gives, or the `config.json` of a `.keras` file, from anybody: a Sequential model,
            or a functional one that is one chain of layers.
        limits: bounds on its size; the defaults if None.

    Returns:
        A network that Keras builds the same layers from, each with its name and every argument.

    Raises:
        SpecError: With everything that a spec cannot say, at pointers into `text`. No other exception.

    """
    limits = limits or Limits()
    document = decode(text, limits)
    if faults := list(_no_model(document, limits)):
        raise SpecError(faults)
    config, translation = cast("JsonObject", document["config"]), Translation()
    problems, left_out = translation.problems, translation.left_out
    problems += [*policy_faults(config.get("dtype"), "/config/dtype"), *_frozen(config)]
    order = _order(document, config, problems)
    shape = _shape(config, order[0], problems, left_out)
    made = _translated(config, order, translation)
    network = translation.validate(_NETWORK, {"layers": made}) if made else None
    if network is None:
        raise SpecError(problems)
    left_out += _named(config)
    training = read_training(document.get("compile_config"), left_out)
    layers = list(minimal_layers(network.layers))
    return Imported(network={"layers": layers}, input_shape=shape, training=training, left_out=_bounded(left_out))


def _no_model(document: JsonObject, limits: Limits) -> Iterator[Problem]:
    """Yield why there is nothing to translate."""
    if "module" not in document:
        yield Problem(pointer="", message='expected the to_json() of a Keras 3 model; received no "module"')
    elif document.get("class_name") not in _MODELS:
        where = "/class_name" if "class_name" in document else ""
        yield refused(where, f"one of the models {' and '.join(_MODELS)}", document.get("class_name"))
    elif fault := foreign(document, ""):
        yield fault
    else:
        yield from _no_layers(document.get("config"), limits)


def _no_layers(config: object, limits: Limits) -> Iterator[Problem]:
    members = as_object(config) or {}
    layers = as_array(members.get("layers"))
    if layers is None:
        where = _LAYERS if "layers" in members else ""
        yield refused(where, 'a "config" with an array of "layers"', members.get("layers"))
        return
    if len(layers) > limits.max_layers + 1:  # one is the input
        message = f"expected at most {limits.max_layers} layers (limit max_layers), received {len(layers)}"
        yield Problem(pointer=_LAYERS, message=message)
    for index, layer in enumerate(layers):
        if as_object(layer) is None:
            yield refused(f"{_LAYERS}/{index}", "a layer as an object", layer)
    if all(is_input(layer) for layer in layers):
        yield Problem(pointer=_LAYERS, message="expected at least one layer beside the input, received none")


def _frozen(config: JsonObject) -> Iterator[Problem]:
    if config.get("trainable") is False and any(_trains(layer) for layer in config["layers"]):
        yield refused("/config/trainable", "true", False, fix="freeze the layers themselves")  # noqa: FBT003  # as received


def _trains(layer: JsonObject) -> bool:
    return not is_input(layer) and (as_object(layer.get("config")) or {}).get("trainable") is True


def _order(document: JsonObject, config: JsonObject, problems: list[Problem]) -> list[int]:
    everything = list(range(len(config["layers"])))
    return everything if document["class_name"] == "Sequential" else in_order(config, problems) or everything


def _translated(config: JsonObject, order: list[int], translation: Translation) -> list[object]:
    layers: list[JsonObject] = config["layers"]
    made: list[object] = []
    for index in order[1:] if is_input(layers[order[0]]) else order:
        part = translation.part(layers[index], choices(Layer), f"/layers/{len(made)}", f"{_LAYERS}/{index}")
        made += [] if part is None else [part]
    return made


def _shape(config: JsonObject, first: int, problems: list[Problem], left_out: list[LeftOut]) -> InputShape | None:
    layer: JsonObject = config["layers"][first]
    if is_input(layer):
        return read_input(layer, f"{_LAYERS}/{first}", problems, left_out)
    built = config.get("build_input_shape")
    return None if built is None else read_shape(built, "/config/build_input_shape", problems, left_out)


def _named(config: JsonObject) -> Iterator[LeftOut]:
    name = config.get("name")
    if name is not None and not _MADE_UP.fullmatch(str(name)):
        yield LeftOut(pointer="/config/name", message=f"the name {say(name)}: a spec's network has none")


def _bounded(left_out: list[LeftOut]) -> tuple[LeftOut, ...]:
    others = len(left_out) - MOST_PROBLEMS
    more = [LeftOut(pointer="", message=f"and {others} more of this kind or other")] if others > 0 else []
    return (*left_out[:MOST_PROBLEMS], *more)
