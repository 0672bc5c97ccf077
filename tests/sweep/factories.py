"""Factories of sweeps, and of points in their spaces."""

import json
from random import Random
from typing import Any

from stackyard.sweep import Parameters, SearchSpace, SweepSpec, parse_sweep_spec, resolve_space
from tests.factories import iris_spec

LEARNING_RATE = "/training/optimizer/learning_rate"
UNITS = "/network/layers/1/units"
RATE = "/network/layers/2/rate"
OPTIMIZERS = {
    "choice": [
        {"set": "adam", "space": {LEARNING_RATE: {"log_uniform": [1e-4, 1e-1]}}},
        {
            "set": {"type": "SGD"},
            "space": {
                LEARNING_RATE: {"log_uniform": [1e-3, 1]},
                "/training/optimizer/momentum": {
                    "choice": [{"set": 0}, {"space": {"/training/optimizer/momentum": {"uniform": [0.5, 0.9]}}}]
                },
            },
        },
    ]
}
"""Optimizers with parameters of their own; one of these is 0 or drawn."""


def build_sweep_document(space: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a random search with a budget over a base that trains on iris."""
    document = {
        "base": iris_spec(),
        "space": {LEARNING_RATE: {"log_uniform": [1e-4, 1e-1]}} if space is None else space,
        "search": {"method": "random"},
        "budget": {"trials": 20},
    }
    return {name: value for name, value in (document | changes).items() if value is not None}


def parse_sweep(space: dict[str, Any] | None = None, **changes: Any) -> tuple[SweepSpec, SearchSpace]:
    sweep = parse_sweep_spec(json.dumps(build_sweep_document(space, **changes)).encode())
    return sweep, resolve_space(sweep)


def draw_points(space: SearchSpace, count: int, seed: int = 0) -> list[Parameters]:
    random = Random(seed)  # noqa: S311  # reproducible, not secret
    return [space.draw({dimension.key: random.random() for dimension in space.all_dimensions}) for _ in range(count)]
