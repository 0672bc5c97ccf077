"""Parts of a spec with arguments at other values than the defaults, found by trial."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from stackyard.spec import SpecModel

VALUES: list[Any] = [
    True,
    False,
    0.125,
    0.75,
    -0.25,
    3,
    6,
    [3],
    [6, 6],
    [3, 2, 3],
    [2, 1],
    [[2, 1], [0, 1]],
    [[2, 1], [0, 1], [1, 0]],
    [None, 1],
    [0.25, 0.75],
    ["bias"],
    {"rmax": 2.0, "dmax": 1.0},
    {"type": "Dense", "units": 2},
    {"type": "GRU", "units": 2},
    {"type": "GRU", "units": 6, "go_backwards": True},
    {"type": "HeNormal", "seed": 3},
    {"type": "L1", "l1": 0.5},
    {"type": "MaxNorm", "max_value": 3.0, "axis": [0]},
    {"type": "PolynomialDecay", "initial_learning_rate": 0.5, "decay_steps": 6},
]
NEEDED: dict[str, dict[str, Any]] = {
    "Bidirectional": {"layer": {"type": "GRU", "units": 6}},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "PiecewiseConstantDecay": {"boundaries": [3], "values": [0.25, 0.75]},
}
"""Required arguments that trial does not find."""


def build_plainest(part: type[SpecModel]) -> SpecModel:
    """Return a part with only the arguments that have no default."""
    if part.__name__ in NEEDED:
        return part.model_validate(NEEDED[part.__name__])
    required = [name for name, field in part.model_fields.items() if field.is_required()]
    choices = product(*(list_values(part, name) for name in required))
    candidates = (_validate_part(part, dict(zip(required, choice, strict=True))) for choice in choices)
    return next(candidate for candidate in candidates if candidate)


def iterate_variants(part: type[SpecModel]) -> Iterator[tuple[str, SpecModel]]:
    """Yield variants that differ from the plainest part in a single argument other than the name."""
    plain = build_plainest(part)
    arguments = plain.model_dump(mode="json", exclude_unset=True)
    for name in part.model_fields.keys() - {"type", "name"}:
        for value in list_values(part, name):
            variant = _validate_part(part, arguments | {name: value})
            if variant is not None and variant != plain:
                yield name, variant


def list_values(part: type[SpecModel], name: str) -> list[Any]:
    return [*_list_literals(part.model_fields[name].annotation), *VALUES]


def _list_literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from _list_literals(inner)


def _validate_part(part: type[SpecModel], arguments: dict[str, Any]) -> SpecModel | None:
    try:
        return part.model_validate(arguments)
    except ValidationError:
        return None
