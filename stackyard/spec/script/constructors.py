"""Parts of a spec as Keras's own constructors, every default left out."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from stackyard.spec.base import Part
from stackyard.spec.layers import RenormClipping
from stackyard.spec.naming import to_snake_case
from stackyard.spec.network.initializers import Constant, Initializer
from stackyard.spec.script.code import Group, Node, array, literal

_ROOMS: Mapping[str, str] = {
    "layers": "keras.layers",
    "initializers": "keras.initializers",
    "regularizers": "keras.regularizers",
    "constraints": "keras.constraints",
    "optimizers": "keras.optimizers",
    "schedules": "keras.optimizers.schedules",
    "losses": "keras.losses",
    "metrics": "keras.metrics",
    "callbacks": "keras.callbacks",
}
"""Where Keras has the classes of each of our modules."""


_NAMED = tuple(part for part in get_args(get_args(Initializer)[0]) if part is not Constant)
"""The initializers that Keras makes of a string; a constant it does not."""


def constructor(part: Part) -> Group:
    """Return the call that makes Keras's object of the same name."""
    given = {name: getattr(part, name) for name in type(part).model_fields if name != "type"}
    told = {name: value for name, value in given.items() if not _is_default(part, name, value)}
    room = next(_ROOMS[name] for name in type(part).__module__.split(".") if name in _ROOMS)
    return Group(f"{room}.{type(part).__name__}(", tuple((name, value_of(value)) for name, value in told.items()))


def value_of(value: Any) -> Node:
    """Return an argument's source."""
    match value:
        case Part() if isinstance(value, _NAMED) and value == type(value)():
            # By its name, so that Keras makes it when it makes the others: a random one then draws its seed.
            return literal(to_snake_case(type(value).__name__))
        case RenormClipping():
            return literal({name: bound for name, bound in value if bound is not None})
        case Part():
            return constructor(value)
        case tuple() if any(isinstance(item, Part) for item in cast("tuple[object, ...]", value)):
            return array([value_of(item) for item in cast("tuple[object, ...]", value)])
        case tuple():
            return literal(cast("tuple[object, ...]", value))
        case _:
            return literal(value)


def _is_default(part: Part, name: str, value: object) -> bool:
    field = type(part).model_fields[name]
    return not field.is_required() and value == field.default
