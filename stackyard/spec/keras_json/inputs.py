"""What a model says of its input: the shape of a row, and what a spec takes from the data instead."""

import re
from collections.abc import Iterator

from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.omissions import LeftOut
from stackyard.spec.keras_json.translation import foreign, refused
from stackyard.spec.reading.faults import Problem, say
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import pointer

InputShape = tuple[int | None, ...]

_PLAIN: JsonObject = {"sparse": False, "ragged": False, "optional": False}
_KNOWN = ("batch_shape", "dtype", "name", *_PLAIN)


def is_input(layer: object) -> bool:
    """Whether one of a model's layers is the door to it, which a spec's network has none of."""
    return (as_object(layer) or {}).get("class_name") == "InputLayer"


def read_input(layer: JsonObject, origin: str, problems: list[Problem], left_out: list[LeftOut]) -> InputShape | None:
    """Return the shape of one row that an InputLayer takes; what is wrong and what is left out are noted."""
    config = as_object(layer.get("config"))
    if fault := foreign(layer, origin):
        problems.append(fault)
    if config is None:
        problems.append(refused(origin, 'an InputLayer with a "config"', layer.get("config")))
        return None
    problems += _unusual(config, f"{origin}/config")
    left_out += _not_kept(config, f"{origin}/config")
    if "batch_shape" not in config:
        problems.append(Problem(pointer=f"{origin}/config", message='expected "batch_shape", received nothing'))
        return None
    return read_shape(config["batch_shape"], f"{origin}/config/batch_shape", problems, left_out)


def read_shape(shape: object, origin: str, problems: list[Problem], left_out: list[LeftOut]) -> InputShape | None:
    """Return the shape of one row out of that of a batch; a null stands for a size that is not fixed."""
    given = as_array(shape) or []
    sizes = [size for size in given if size is None or (isinstance(size, int) and size >= 1 and size is not True)]
    if not sizes or len(sizes) != len(given):
        problems.append(refused(origin, "the shape of a batch, an array of null and sizes of at least 1", shape))
        return None
    if sizes[0] is not None:
        message = f"a batch of {say(sizes[0])}: a spec's batch_size is an argument of its training"
        left_out.append(LeftOut(pointer=f"{origin}/0", message=message))
    return tuple(sizes[1:])


def _unusual(config: JsonObject, origin: str) -> Iterator[Problem]:
    for key, value in config.items():
        if key in _PLAIN and value not in (False, None):
            yield refused(f"{origin}/{key}", "false, as every row is dense and there", value)
        elif key not in _KNOWN and value is not None:
            message = f"expected one of {', '.join(_KNOWN)} in InputLayer, received {say(key)}"
            yield Problem(pointer=f"{origin}{pointer((key,))}", message=message)


def _not_kept(config: JsonObject, origin: str) -> Iterator[LeftOut]:
    dtype, name = config.get("dtype"), config.get("name")
    if dtype not in (None, "float32"):
        yield LeftOut(pointer=f"{origin}/dtype", message=f"the type {say(dtype)}: the data of a spec says what it is")
    if name is not None and not re.fullmatch(r"input_layer(_\d+)?", str(name)):
        yield LeftOut(
            pointer=f"{origin}/name", message=f"the name {say(name)}: the input of a spec's network has none"
        )
