"""Translates Keras's objects to documents of a spec: `{"class_name": N, "config": {...}}` to `{"type": N, ...}`."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from stackyard.spec import not_offered
from stackyard.spec.base import SpecModel
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.omissions import Omission
from stackyard.spec.layers import Bidirectional, SimpleRNN
from stackyard.spec.network import initializers
from stackyard.spec.reading.faults import MAX_FAULTS, Fault, format_value, shorten_value
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer
from stackyard.spec.reading.validation_messages import build_faults
from stackyard.spec.suggestions import format_expected_names, suggest_name, suggest_names
from stackyard.spec.training import losses, metrics

T = TypeVar("T")
SpecClasses = Mapping[str, type[SpecModel]]
"""Classes of the spec language by their `type`."""

UNSERIALIZED_ARGUMENTS: Mapping[type[SpecModel], tuple[str, ...]] = {
    SimpleRNN: ("activity_regularizer", "seed"),
    initializers.Identity: ("gain",),
    losses.CosineSimilarity: ("axis",),
    losses.Huber: ("delta",),
    losses.SparseCategoricalCrossentropy: ("axis",),
    metrics.CosineSimilarity: ("axis",),
}
"""Arguments that Keras accepts but does not write: an import gets their defaults, whatever the values were."""

_NEUTRAL_VALUES: Mapping[str, object] = {
    "activity_regularizer": None,
    "autocast": True,
    "quantization_config": None,
    "rms_scaling": False,
    "zero_output_for_mask": False,
}
"""Arguments that Keras writes for layers which do not have them in a spec, with the values that have no effect."""

_NULL_EQUIVALENTS: Mapping[str, object] = {
    "activation": "linear",
    "data_format": "channels_last",
    "exclude_layers": [],
}
"""The values that Keras writes for null."""

_SINGLE_PRECISION = frozenset({"factor", "l1", "learning_rate"})
"""Numbers that Keras stores, and writes, in single precision."""

_DTYPE_POLICY = "float32"

_NOT_OFFERED = {
    **not_offered.OPTIMIZERS,
    **not_offered.LOSSES,
    **not_offered.METRICS,
    **not_offered.LAYERS,
}


@cache
def collect_spec_classes(annotation: Any) -> SpecClasses:
    """Return the spec classes anywhere within a type annotation, by their `type`."""
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return {annotation.model_fields["type"].default: annotation} if "type" in annotation.model_fields else {}
    spec_classes: dict[str, type[SpecModel]] = {}
    for argument in get_args(annotation):
        spec_classes |= collect_spec_classes(argument)
    return spec_classes


class KerasTranslator:
    """Translates Keras's objects to documents of a spec, and collects faults and omissions.

    Positions are JSON pointers: `target` into the translated document, `origin` into Keras's document.

    Attributes:
        faults: Everything that a spec cannot express, at pointers into Keras's document.
        omissions: Settings that are left out.

    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.omissions: list[Omission] = []
        self._origins: dict[str, str] = {}
        self._rejected_targets: set[str] = set()

    def translate(self, value: object, spec_classes: SpecClasses, target: str, origin: str) -> object:
        """Return the document of a spec object for one of Keras's objects, or for a string that stands for one.

        An invalid object gives None: its fault is recorded, and `validate` reports no further fault at `target`.
        """
        self._origins[target] = origin
        self._rejected_targets.discard(target)
        keras_object = as_object(value)
        if keras_object is None:
            return value
        if (function_name := _read_function_name(keras_object)) is not None:
            return function_name
        config = as_object(keras_object.get("config", {}))
        fault = find_class_fault(keras_object, origin) or self._find_unknown_class(keras_object, spec_classes, origin)
        if fault is not None or config is None:
            self.faults.append(
                fault or build_fault(f"{origin}/config", "an object of arguments", keras_object["config"])
            )
            self._rejected_targets.add(target)
            return None
        self._origins[target] = f"{origin}/config" if "config" in keras_object else origin
        self._origins[f"{target}/type"] = f"{origin}/class_name"
        class_name = keras_object["class_name"]
        spec_class = spec_classes[class_name]
        self.omissions += _list_unserialized_arguments(spec_class, config, origin)
        return {**self._translate_arguments(config, spec_class, target, f"{origin}/config"), "type": class_name}

    def validate(self, adapter: TypeAdapter[T], document: object) -> T | None:
        """Return the parsed document, or None if it or its translation has any fault."""
        spec_classes: dict[int, type[SpecModel]] = {}
        try:
            value = adapter.validate_python(document, context=spec_classes)
        except ValidationError as error:
            faults = build_faults(error, document, spec_classes)
            self.faults += [self._move_to_origin(fault) for fault in faults if not self._is_rejected(fault)]
            return None
        return None if self.faults else value

    def _translate_arguments(
        self, config: JsonObject, spec_class: type[SpecModel], target: str, origin: str
    ) -> JsonObject:
        arguments: JsonObject = {}
        for key, value in config.items():
            segment = format_pointer((key,))
            field = spec_class.model_fields.get(key)
            if key == "dtype" and field is None:
                self.faults += find_dtype_faults(value, f"{origin}{segment}")
            elif field is None or key == "type":  # a member of that name would replace the class
                if not (key in _NEUTRAL_VALUES and value == _NEUTRAL_VALUES[key]):
                    self.faults.append(self._build_unknown_argument(key, spec_class, f"{origin}{segment}"))
            elif not (field.default is None and key in _NULL_EQUIVALENTS and value == _NULL_EQUIVALENTS[key]):
                arguments[key] = self._translate_argument(
                    spec_class, key, value, f"{target}{segment}", f"{origin}{segment}"
                )
        return arguments

    def _find_unknown_class(self, keras_object: JsonObject, spec_classes: SpecClasses, origin: str) -> Fault | None:
        name = keras_object.get("class_name")
        if not isinstance(name, str):
            return build_fault(origin, 'an object with a "class_name"', name)
        if name in spec_classes:
            return None
        if reason := _NOT_OFFERED.get(name):
            nested = _format_nested_model(keras_object, name)
            message = f"expected a class that specs offer; received {nested}, which cannot be imported"
            return Fault(pointer=f"{origin}/class_name", message=message, received=shorten_value(name), fix=reason)
        fix = suggest_names(name, spec_classes) if len(self.faults) < MAX_FAULTS else None
        return build_fault(f"{origin}/class_name", format_expected_names(spec_classes), name, fix)

    def _build_unknown_argument(self, key: str, spec_class: type[SpecModel], origin: str) -> Fault:
        arguments = [name for name in spec_class.model_fields if name != "type"]
        message = f"expected one of {', '.join(arguments)} in {spec_class.__name__}, received {format_value(key)}"
        return Fault(pointer=origin, message=message, fix=self._suggest_name(key, arguments))

    def _suggest_name(self, unknown_name: str, names: Iterable[str]) -> str | None:
        # The search is expensive: skip it for faults that exceed the maximum of an error.
        return suggest_name(unknown_name, names) if len(self.faults) < MAX_FAULTS else None

    def _translate_argument(
        self, spec_class: type[SpecModel], key: str, value: object, target: str, origin: str
    ) -> object:
        if key in _SINGLE_PRECISION and isinstance(value, float):
            value = _shorten_single(value)
        elif spec_class is Bidirectional:
            value = _remove_derived_argument(value)
        return self._translate_value(
            value, collect_spec_classes(spec_class.model_fields[key].annotation), target, origin
        )

    def _translate_value(self, value: object, spec_classes: SpecClasses, target: str, origin: str) -> object:
        for segment in _find_items(value):
            value, origin = (as_object(value) or {})[segment], f"{origin}/{segment}"
        self._origins[target] = origin
        keras_object, items = as_object(value), as_array(value)
        if keras_object is not None and spec_classes:
            return self.translate(keras_object, spec_classes, target, origin)
        if items is None:
            return value
        return [
            self._translate_value(item, spec_classes, f"{target}/{index}", f"{origin}/{index}")
            for index, item in enumerate(items)
        ]

    def _move_to_origin(self, fault: Fault) -> Fault:
        target = next((ancestor for ancestor in _list_ancestors(fault.pointer) if ancestor in self._origins), None)
        if target is None:  # a fault beyond the maximum, which is only counted
            return fault
        return fault.model_copy(update={"pointer": self._origins[target] + fault.pointer[len(target) :]})

    def _is_rejected(self, fault: Fault) -> bool:
        return any(ancestor in self._rejected_targets for ancestor in _list_ancestors(fault.pointer))


def _read_function_name(keras_object: JsonObject) -> str | None:
    """Return the name of a loss or a metric that is one of Keras's own functions; no function is looked up."""
    match keras_object:
        case {"class_name": "function", "config": str(name), "module": str(module)}:
            return name if module == "builtins" or module.startswith("keras.") else None
        case _:
            return None


def _format_nested_model(keras_object: JsonObject, class_name: str) -> str:
    """Return what an object of an import is: a nested model with its name, or a class."""
    if class_name not in ("Sequential", "Functional", "Model"):
        return format_value(class_name)
    name = (as_object(keras_object.get("config")) or {}).get("name")
    return f"a nested model, {format_value(name)} ({class_name})" if isinstance(name, str) else "a nested model"


def find_class_fault(keras_object: JsonObject, origin: str) -> Fault | None:
    """Return the fault of an object whose class is not one of Keras's own, or None."""
    module, registered_name = keras_object.get("module", "keras"), keras_object.get("registered_name")
    if registered_name not in (None, keras_object.get("class_name")):
        return build_fault(f"{origin}/registered_name", "null, as for a class of Keras's own", registered_name)
    if not isinstance(module, str) or not (module == "keras" or module.startswith("keras.")):
        return build_fault(f"{origin}/module", "one of Keras's own modules", module)
    return None


def find_dtype_faults(dtype: Any, origin: str) -> Iterator[Fault]:
    """Yield a fault if a layer's dtype is not the one that every layer of a spec has."""
    match dtype:
        case {"class_name": "DTypePolicy", "config": {"name": policy}}:
            origin = f"{origin}/config/name"
        case policy:
            pass
    if policy not in (None, _DTYPE_POLICY):
        yield build_fault(origin, f'the dtype policy "{_DTYPE_POLICY}", which every layer of a spec has', policy)


def build_fault(origin: str, expected: str, received: object, fix: str | None = None) -> Fault:
    """Return the fault of a value in Keras's document that differs from the expected one."""
    message = f"expected {expected}; received {format_value(received)}"
    return Fault(pointer=origin, message=message, received=shorten_value(received), fix=fix)


def _list_unserialized_arguments(spec_class: type[SpecModel], config: JsonObject, origin: str) -> Iterator[Omission]:
    for name in UNSERIALIZED_ARGUMENTS.get(spec_class, ()):
        if name not in config:
            default = format_value(spec_class.model_fields[name].default)
            message = (
                f"Keras does not write {format_value(name)} of {spec_class.__name__}: its default, {default}, is used"
            )
            yield Omission(pointer=origin, message=message)


def _find_items(value: Any) -> tuple[str, ...]:
    """Return the path to the items of a tuple or tensor as Keras writes it, or () for any other value."""
    match value:
        case {"class_name": "__tuple__", "items": [*_]}:
            return ("items",)
        case {"class_name": "__tensor__" | "__numpy__", "config": {"value": [*_]}}:
            return ("config", "value")
        case _:
            return ()


def _remove_derived_argument(layer: object) -> object:
    """Return a layer of a Bidirectional without `zero_output_for_mask` if Keras derives it from `return_sequences`."""
    config = as_object((as_object(layer) or {}).get("config")) or {}
    if "zero_output_for_mask" not in config or config["zero_output_for_mask"] != config.get("return_sequences"):
        return layer
    remaining = {key: value for key, value in config.items() if key != "zero_output_for_mask"}
    return {**(as_object(layer) or {}), "config": remaining}


def _shorten_single(number: float) -> float:
    """Return the number with the fewest digits that equals `number` in single precision."""
    candidates = (float(f"{number:.{digits}g}") for digits in range(1, 10))
    return next((candidate for candidate in candidates if _to_single(candidate) == number), number)


def _to_single(number: float) -> float | None:
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return None


def _list_ancestors(target: str) -> Iterator[str]:
    """Yield a pointer and the pointers to all objects and arrays that contain it, the innermost first."""
    while target:
        yield target
        target = target.rpartition("/")[0]
    yield ""
