"""Parts of a spec with each argument at other values than its default, found by trying."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from stackyard.spec import Part

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
"""What a part needs that trying does not find."""


def plainest(part: type[Part]) -> Part:
    """With the arguments that have no default."""
    if part.__name__ in NEEDED:
        return part.model_validate(NEEDED[part.__name__])
    needed = [name for name, field in part.model_fields.items() if field.is_required()]
    choices = product(*(values(part, name) for name in needed))
    return next(made for chosen in choices if (made := _try(part, dict(zip(needed, chosen, strict=True)))))


def variants(part: type[Part]) -> Iterator[tuple[str, Part]]:
    """For each argument but the name, whatever the part takes that differs from the plainest in it alone."""
    plain = plainest(part)
    given = plain.model_dump(mode="json", exclude_unset=True)
    for name in part.model_fields.keys() - {"type", "name"}:
        for value in values(part, name):
            made = _try(part, given | {name: value})
            if made is not None and made != plain:
                yield name, made


def values(part: type[Part], name: str) -> list[Any]:
    return [*_literals(part.model_fields[name].annotation), *VALUES]


def _literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from _literals(inner)


def _try(part: type[Part], arguments: dict[str, Any]) -> Part | None:
    try:
        return part.model_validate(arguments)
    except ValidationError:
        return None
