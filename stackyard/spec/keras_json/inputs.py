"""Parses the input of a Keras model: its shape, and the settings that a spec leaves to the data."""

import re
from collections.abc import Iterator

from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.omissions import Omission
from stackyard.spec.keras_json.translation import build_fault, find_class_fault
from stackyard.spec.reading.faults import Fault, format_value
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer

InputShape = tuple[int | None, ...]

_FLAGS: JsonObject = {"sparse": False, "ragged": False, "optional": False}
_ARGUMENTS = ("batch_shape", "dtype", "name", *_FLAGS)


def is_input_layer(layer: object) -> bool:
    """Return whether a layer of a Keras model is its InputLayer, which the network of a spec does not have."""
    return (as_object(layer) or {}).get("class_name") == "InputLayer"


def parse_input_layer(
    layer: JsonObject, origin: str, faults: list[Fault], omissions: list[Omission]
) -> InputShape | None:
    """Return the shape of one row of an InputLayer.

    Args:
        layer: Keras's document of the layer.
        origin: The pointer to it.
        faults: Faults of the layer are appended.
        omissions: Settings that a spec does not keep are appended.

    """
    config = as_object(layer.get("config"))
    if fault := find_class_fault(layer, origin):
        faults.append(fault)
    if config is None:
        faults.append(build_fault(origin, 'an InputLayer with a "config"', layer.get("config")))
        return None
    faults += _find_argument_faults(config, f"{origin}/config")
    omissions += _list_omissions(config, f"{origin}/config")
    if "batch_shape" not in config:
        faults.append(Fault(pointer=f"{origin}/config", message='expected "batch_shape", received nothing'))
        return None
    return parse_batch_shape(config["batch_shape"], f"{origin}/config/batch_shape", faults, omissions)


def parse_batch_shape(shape: object, origin: str, faults: list[Fault], omissions: list[Omission]) -> InputShape | None:
    """Return the shape of one row from the shape of a batch; None stands for a size that is not fixed."""
    items = as_array(shape) or []
    sizes = [size for size in items if size is None or (isinstance(size, int) and size >= 1 and size is not True)]
    if not sizes or len(sizes) != len(items):
        faults.append(build_fault(origin, "the shape of a batch, an array of null and sizes of at least 1", shape))
        return None
    if sizes[0] is not None:
        message = f"a batch of {format_value(sizes[0])}: a spec's batch_size is an argument of its training"
        omissions.append(Omission(pointer=f"{origin}/0", message=message))
    return tuple(sizes[1:])


def _find_argument_faults(config: JsonObject, origin: str) -> Iterator[Fault]:
    for key, value in config.items():
        if key in _FLAGS and value not in (False, None):
            yield build_fault(f"{origin}/{key}", "false, as every row is dense and present", value)
        elif key not in _ARGUMENTS and value is not None:
            message = f"expected one of {', '.join(_ARGUMENTS)} in InputLayer, received {format_value(key)}"
            yield Fault(pointer=f"{origin}{format_pointer((key,))}", message=message)


def _list_omissions(config: JsonObject, origin: str) -> Iterator[Omission]:
    dtype, name = config.get("dtype"), config.get("name")
    if dtype not in (None, "float32"):
        yield Omission(
            pointer=f"{origin}/dtype", message=f"the type {format_value(dtype)}: the data of a spec determines it"
        )
    if name is not None and not re.fullmatch(r"input_layer(_\d+)?", str(name)):
        message = f"the name {format_value(name)}: the input of a spec's network has none"
        yield Omission(pointer=f"{origin}/name", message=message)
