"""The inputs of a proposal from an NPZ file: which array, and the layers that read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import InvalidInput
from stackyard.spec import ArrayDescription, ArraysDescription, Fault

_IMAGE_RANKS = (3, 4)
_MIN_IMAGE_SIDE = 8
_MAX_CHANNELS = 4
_NUMERIC_TYPES = ("int", "uint", "float", "bool")
_LARGEST_BYTE = 255


@dataclass(frozen=True)
class ProposedArrays:
    """The data section of the spec without its target and split, and the layers before the last one.

    Unless the rows are images, dense layers follow them. `test_rows` counts the rows of a separate test pair, if
    there is one.
    """

    data: dict[str, Any]
    layers: list[dict[str, Any] | str]
    is_image: bool
    test_rows: int | None
    notes: list[str]


def propose_arrays(description: ArraysDescription, target: ArrayDescription) -> ProposedArrays:
    """Choose the input array for a target, its test pair, and for images the layers that read them.

    Raises:
        InvalidInput: no array has as many rows as the target and numbers to learn from.

    """
    arrays = {array.name: array for array in description.arrays}
    source = _choose_input(arrays, target)
    data: dict[str, Any] = {"x": source.name, "y": target.name}
    test = _find_test_pair(arrays, source, target)
    notes = [f"The inputs are the array “{source.name}”."]
    if test is not None:
        data["test"] = {"x": test[0].name, "y": test[1].name}
        notes.append(f"The arrays “{test[0].name}” and “{test[1].name}” are the test set.")
    is_image = _is_image(source)
    layers = list(_build_image_layers(source) if is_image else _build_flat_layers(source))
    return ProposedArrays(data, layers, is_image, None if test is None else test[0].shape[0], notes)


def _choose_input(arrays: Mapping[str, ArrayDescription], target: ArrayDescription) -> ArrayDescription:
    """Return the array with the most values in a row; one whose name goes with the target's comes first."""
    candidates = [array for array in arrays.values() if _may_be_input(array, target)]
    if not candidates:
        message = f"Expected an array of numbers with {target.shape[0]} rows and at least two axes beside the target."
        raise InvalidInput((Fault(pointer="/target", message=message),))
    partner = _replace_first(target.name, "y", "x")
    return max(candidates, key=lambda array: (array.name == partner, len(array.shape), array.shape[1:]))


def _may_be_input(array: ArrayDescription, target: ArrayDescription) -> bool:
    is_numeric = array.type.startswith(_NUMERIC_TYPES)
    has_values = len(array.shape) > 1 and 0 not in array.shape
    return array.name != target.name and is_numeric and has_values and array.shape[0] == target.shape[0]


def _find_test_pair(
    arrays: Mapping[str, ArrayDescription], source: ArrayDescription, target: ArrayDescription
) -> tuple[ArrayDescription, ArrayDescription] | None:
    """Return the arrays that are named as the chosen ones, with “test” for “train”, if they fit."""
    names = [_replace_first(array.name, "train", "test") for array in (source, target)]
    if names[0] == source.name or names[1] == target.name or not set(names) <= arrays.keys():
        return None
    test_x, test_y = (arrays[name] for name in names)
    fits = test_x.shape[1:] == source.shape[1:] and test_y.shape[1:] == target.shape[1:]
    has_rows = bool(test_x.shape and test_y.shape) and test_x.shape[:1] == test_y.shape[:1] != [0]
    is_known = set(test_y.categories or ()) <= set(target.categories or test_y.categories or ())
    return (test_x, test_y) if fits and has_rows and is_known else None


def _replace_first(text: str, old: str, new: str) -> str:
    """Replace the first occurrence, in the case in which it is written."""
    position = text.lower().find(old)
    if position < 0:
        return text
    found = text[position : position + len(old)]
    return text[:position] + (new.upper() if found.isupper() else new) + text[position + len(old) :]


def _is_image(array: ArrayDescription) -> bool:
    if len(array.shape) not in _IMAGE_RANKS or min(array.shape[1:3]) < _MIN_IMAGE_SIDE:
        return False
    return len(array.shape) == len(("rows", "height", "width")) or array.shape[3] <= _MAX_CHANNELS


def _build_image_layers(array: ArrayDescription) -> Iterator[dict[str, Any] | str]:
    if array.maximum is not None and array.maximum > 1:
        yield {"type": "Rescaling", "scale": 1 / max(array.maximum, _find_full_scale(array.type, array.maximum))}
    if len(array.shape) == len(("rows", "height", "width")):
        yield {"type": "Reshape", "target_shape": [*array.shape[1:], 1]}
    yield {"type": "Conv2D", "filters": 16, "kernel_size": 3, "padding": "same", "activation": "relu"}
    yield {"type": "MaxPooling2D", "pool_size": 2}
    yield {"type": "Conv2D", "filters": 32, "kernel_size": 3, "padding": "same", "activation": "relu"}
    yield {"type": "MaxPooling2D", "pool_size": 2}
    yield "Flatten"
    yield {"type": "Dense", "units": 32, "activation": "relu"}
    yield {"type": "Dropout", "rate": 0.2}


def _find_full_scale(array_type: str, maximum: float) -> float:
    return _LARGEST_BYTE if array_type == "uint8" and maximum <= _LARGEST_BYTE else maximum


def _build_flat_layers(array: ArrayDescription) -> Iterator[dict[str, Any] | str]:
    """Scale the values, which no transform scales, and make a row of them."""
    yield {"type": "BatchNormalization", "momentum": 0.9}
    if len(array.shape) > len(("rows", "values")):
        yield "Flatten"
