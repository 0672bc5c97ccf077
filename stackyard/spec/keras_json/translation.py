"""One of Keras's objects to a part of a spec: `{"class_name": N, "config": {...}}` to `{"type": N, ...}`."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from stackyard.spec.base import Part
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.omissions import LeftOut
from stackyard.spec.layers import Bidirectional, SimpleRNN
from stackyard.spec.network import initializers
from stackyard.spec.reading.faults import MOST_PROBLEMS, Problem, say, shorten
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import pointer
from stackyard.spec.reading.validation_messages import explain
from stackyard.spec.tagged_union import suggest
from stackyard.spec.training import losses, metrics

T = TypeVar("T")
Parts = Mapping[str, type[Part]]

UNWRITTEN: Mapping[type[Part], tuple[str, ...]] = {
    SimpleRNN: ("activity_regularizer", "seed"),
    initializers.Identity: ("gain",),
    losses.CosineSimilarity: ("axis",),
    losses.Huber: ("delta",),
    losses.SparseCategoricalCrossentropy: ("axis",),
    metrics.CosineSimilarity: ("axis",),
}
"""Arguments that Keras takes and does not write: whatever they were, the default is read."""

_ABSENT: Mapping[str, object] = {
    "activity_regularizer": None,
    "autocast": True,
    "quantization_config": None,
    "rms_scaling": False,
    "zero_output_for_mask": False,
}
"""What Keras writes of layers that take no such argument here, with the value that says nothing."""

_AS_NULL: Mapping[str, object] = {"activation": "linear", "data_format": "channels_last", "exclude_layers": []}
"""What Keras writes where null was given and means this."""

_SINGLE = frozenset({"factor", "l1", "learning_rate"})
"""Numbers that Keras keeps, and writes, in single precision."""

_POLICY = "float32"


@cache
def choices(annotation: Any) -> Parts:
    """Return the parts that an annotation allows anywhere within it, by their types."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return {annotation.model_fields["type"].default: annotation} if "type" in annotation.model_fields else {}
    found: dict[str, type[Part]] = {}
    for inner in get_args(annotation):
        found |= choices(inner)
    return found


class Translation:
    """Turns Keras's objects into a document of the spec language, and gathers what is wrong or lost at Keras's places.

    Places are JSON pointers: `at` into the document that is made, `origin` into Keras's.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.left_out: list[LeftOut] = []
        self._origins: dict[str, str] = {}
        self._refused: set[str] = set()

    def part(self, value: object, allowed: Parts, at: str, origin: str) -> object:
        """Return what a part of the spec is read from, for one of Keras's objects or a string that stands for it.

        None where it is refused; the problem is noted, and whatever is wrong with a null `at` that place is none.
        """
        self._origins[at] = origin
        self._refused.discard(at)
        given = as_object(value)
        if given is None:
            return value
        config = as_object(given.get("config", {}))
        fault = foreign(given, origin) or self._no_class(given, allowed, origin)
        if fault or config is None:
            self.problems.append(fault or refused(f"{origin}/config", "an object of arguments", given["config"]))
            self._refused.add(at)
            return None
        self._origins[at] = f"{origin}/config" if "config" in given else origin
        self._origins[f"{at}/type"] = f"{origin}/class_name"
        part = allowed[given["class_name"]]
        self.left_out += _unwritten(part, config, origin)
        return {**self._arguments(config, part, at, f"{origin}/config"), "type": given["class_name"]}

    def validate(self, kind: TypeAdapter[T], made: object) -> T | None:
        """Return what `made` is, or None where there is any problem with it or was one on the way."""
        readers: dict[int, type[Part]] = {}
        try:
            read = kind.validate_python(made, context=readers)
        except ValidationError as error:
            found = explain(error, made, readers)
            self.problems += [self._at_origin(problem) for problem in found if not self._is_known(problem)]
            return None
        return None if self.problems else read

    def _arguments(self, config: JsonObject, part: type[Part], at: str, origin: str) -> JsonObject:
        made: JsonObject = {}
        for key, value in config.items():
            step = pointer((key,))
            field = part.model_fields.get(key)
            if key == "dtype" and field is None:
                self.problems += policy_faults(value, f"{origin}{step}")
            elif field is None or key == "type":  # which as a member would pass for the class
                if not (key in _ABSENT and value == _ABSENT[key]):
                    self.problems.append(self._no_argument(key, part, f"{origin}{step}"))
            elif not (field.default is None and key in _AS_NULL and value == _AS_NULL[key]):
                made[key] = self._argument(part, key, value, f"{at}{step}", f"{origin}{step}")
        return made

    def _no_class(self, given: JsonObject, allowed: Parts, origin: str) -> Problem | None:
        name = given.get("class_name")
        known = f"one of {', '.join(allowed)}"
        if not isinstance(name, str):
            return refused(origin, f'an object with a "class_name", {known}', name)
        if name in allowed:
            return None
        return refused(f"{origin}/class_name", known, name, self._near(name, allowed))

    def _no_argument(self, key: str, part: type[Part], origin: str) -> Problem:
        known = [name for name in part.model_fields if name != "type"]
        message = f"expected one of {', '.join(known)} in {part.__name__}, received {say(key)}"
        return Problem(pointer=origin, message=message, fix=self._near(key, known))

    def _near(self, wrong: str, names: Iterable[str]) -> str | None:
        # Looking for what was meant takes its time: not for a problem that no error has room for.
        return suggest(wrong, names) if len(self.problems) < MOST_PROBLEMS else None

    def _argument(self, part: type[Part], key: str, value: object, at: str, origin: str) -> object:
        if key in _SINGLE and isinstance(value, float):
            value = _shortest(value)
        elif part is Bidirectional:
            value = _unforced(value)
        return self._value(value, choices(part.model_fields[key].annotation), at, origin)

    def _value(self, value: object, allowed: Parts, at: str, origin: str) -> object:
        for step in _steps_to_items(value):
            value, origin = (as_object(value) or {})[step], f"{origin}/{step}"
        self._origins[at] = origin
        given, items = as_object(value), as_array(value)
        if given is not None and allowed:
            return self.part(given, allowed, at, origin)
        if items is None:
            return value
        return [self._value(item, allowed, f"{at}/{index}", f"{origin}/{index}") for index, item in enumerate(items)]

    def _at_origin(self, problem: Problem) -> Problem:
        known = next((place for place in _upwards(problem.pointer) if place in self._origins), None)
        if known is None:  # one of so many that they are only counted
            return problem
        return problem.model_copy(update={"pointer": self._origins[known] + problem.pointer[len(known) :]})

    def _is_known(self, problem: Problem) -> bool:
        return any(place in self._refused for place in _upwards(problem.pointer))


def foreign(given: JsonObject, origin: str) -> Problem | None:
    """Return why one of Keras's objects is of no class of Keras's own, or None where it is."""
    module, registered = given.get("module", "keras"), given.get("registered_name")
    if registered not in (None, given.get("class_name")):
        return refused(f"{origin}/registered_name", "null, as for a class of Keras's own", registered)
    if not isinstance(module, str) or not (module == "keras" or module.startswith("keras.")):
        return refused(f"{origin}/module", "one of Keras's own modules", module)
    return None


def policy_faults(dtype: Any, origin: str) -> Iterator[Problem]:
    """Yield why a layer's dtype is not the one that every layer of a spec has."""
    match dtype:
        case {"class_name": "DTypePolicy", "config": {"name": policy}}:
            origin = f"{origin}/config/name"
        case policy:
            pass
    if policy not in (None, _POLICY):
        yield refused(origin, f'the dtype policy "{_POLICY}", which every layer of a spec has', policy)


def refused(origin: str, expected: str, received: object, fix: str | None = None) -> Problem:
    """Return the problem that something in Keras's document is not as expected."""
    message = f"expected {expected}; received {say(received)}"
    return Problem(pointer=origin, message=message, received=shorten(received), fix=fix)


def _unwritten(part: type[Part], config: JsonObject, origin: str) -> Iterator[LeftOut]:
    for name in UNWRITTEN.get(part, ()):
        if name not in config:
            default = say(part.model_fields[name].default)
            message = f"Keras does not write {say(name)} of {part.__name__}: its default, {default}, is read"
            yield LeftOut(pointer=origin, message=message)


def _steps_to_items(value: Any) -> tuple[str, ...]:
    match value:
        case {"class_name": "__tuple__", "items": [*_]}:
            return ("items",)
        case {"class_name": "__tensor__" | "__numpy__", "config": {"value": [*_]}}:
            return ("config", "value")
        case _:
            return ()


def _unforced(layer: object) -> object:
    """Return a layer of a Bidirectional without the argument that Keras makes the same as another there."""
    config = as_object((as_object(layer) or {}).get("config")) or {}
    if "zero_output_for_mask" not in config or config["zero_output_for_mask"] != config.get("return_sequences"):
        return layer
    own = {key: value for key, value in config.items() if key != "zero_output_for_mask"}
    return {**(as_object(layer) or {}), "config": own}


def _shortest(single: float) -> float:
    """Return the shortest number that is `single` in single precision."""
    shorter = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next((short for short in shorter if _float32(short) == single), single)


def _float32(number: float) -> float | None:
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return None


def _upwards(place: str) -> Iterator[str]:
    while place:
        yield place
        place = place.rpartition("/")[0]
    yield ""
