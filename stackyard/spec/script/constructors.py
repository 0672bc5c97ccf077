"""Build calls of Keras's constructors from the parts of a spec, without arguments that have their defaults."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from stackyard.spec.base import SpecModel
from stackyard.spec.layers import RenormClipping
from stackyard.spec.naming import to_snake_case
from stackyard.spec.network.initializers import Constant, Initializer
from stackyard.spec.script.python_source import CompoundExpression, Expression, build_list, format_literal

_KERAS_MODULES: Mapping[str, str] = {
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
"""The Keras module of the classes in each module of the spec."""

_NAMED_INITIALIZERS = tuple(part for part in get_args(get_args(Initializer)[0]) if part is not Constant)
"""The initializers that Keras accepts as a string, which it does not do for a constant."""


def build_constructor_call(part: SpecModel) -> CompoundExpression:
    """Return the call of the Keras constructor of the same name."""
    values = {name: getattr(part, name) for name in type(part).model_fields if name != "type"}
    arguments = {name: value for name, value in values.items() if not _is_default(part, name, value)}
    module = next(_KERAS_MODULES[name] for name in type(part).__module__.split(".") if name in _KERAS_MODULES)
    return CompoundExpression(
        f"{module}.{type(part).__name__}(", tuple((name, build_argument(value)) for name, value in arguments.items())
    )


def build_argument(value: Any) -> Expression:
    """Return the expression of an argument."""
    match value:
        case SpecModel() if isinstance(value, _NAMED_INITIALIZERS) and value == type(value)():
            # By name, so that Keras builds it with the others: a random initializer draws its seed when it is built.
            return format_literal(to_snake_case(type(value).__name__))
        case RenormClipping():
            return format_literal({name: bound for name, bound in value if bound is not None})
        case SpecModel():
            return build_constructor_call(value)
        case tuple() if any(isinstance(item, SpecModel) for item in cast("tuple[object, ...]", value)):
            return build_list([build_argument(item) for item in cast("tuple[object, ...]", value)])
        case tuple():
            return format_literal(cast("tuple[object, ...]", value))
        case _:
            return format_literal(value)


def _is_default(part: SpecModel, name: str, value: object) -> bool:
    field = type(part).model_fields[name]
    return not field.is_required() and value == field.default
