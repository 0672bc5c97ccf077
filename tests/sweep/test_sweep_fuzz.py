"""Mutated sweeps: each is read or refused with faults, and all trials of one that is read can be built."""

import json
from copy import deepcopy
from random import Random

from stackyard.spec import SpecError
from stackyard.sweep import (
    TrialSpecBuilder,
    dump_sweep_spec,
    load_sweep_spec,
    parse_sweep_spec,
    resolve_objective,
    resolve_space,
)
from tests.spec.mutation import Mutator
from tests.sweep.factories import OPTIMIZERS, RATE, UNITS, build_sweep_document, draw_points

MUTATIONS = 250
DOCUMENTS = (
    build_sweep_document(
        {
            "/training/optimizer": OPTIMIZERS,
            UNITS: [4, 8],
            RATE: {"uniform": [0, 0.6], "step": 0.1},
            "/training/batch_size": {"int": [8, 64], "log": True, "also": ["/network/layers/3/units"]},
        },
        halving={"eta": 2},
    ),
    build_sweep_document(
        {
            UNITS: {"choice": [{"set": 4, "also_set": {"/training/batch_size": 64}}, {"space": {UNITS: [8, 9]}}]},
            "/data/split": [{"validation": {"method": "last", "train_fraction": 0.8}}, {}],
        },
        search="grid",
        repeats=2,
    ),
)


def try_sweep(text):
    """Read a sweep and build some of its trials; return whether it was accepted."""
    try:
        sweep = parse_sweep_spec(text)
        space = resolve_space(sweep)
    except SpecError:
        return False
    resolve_objective(sweep)
    assert load_sweep_spec(json.loads(json.dumps(dump_sweep_spec(sweep)))) == sweep
    for parameters in draw_points(space, 2):
        space.read_codes(parameters)
        try:
            TrialSpecBuilder(sweep, space).parse(parameters, repeat=1)
        except SpecError as error:
            assert error.faults[0].message  # noqa: PT017  # trials that are not valid are part of a search
    return True


def test_mutations_cause_only_faults():
    random = Random(0)  # noqa: S311  # reproducible, not secret
    mutator = Mutator(random)
    accepted = 0
    for number in range(MUTATIONS):
        document = deepcopy(DOCUMENTS[number % len(DOCUMENTS)])
        assert number >= len(DOCUMENTS) or try_sweep(json.dumps(document).encode())
        mutator.mutate_value(document["space"] if number % 3 else document)
        accepted += try_sweep(json.dumps(document).encode())
    assert 20 < accepted < MUTATIONS - 20


def test_extreme_bounds_are_refused_or_drawn():
    for bounds in (
        {"uniform": [-1e308, 1e308]},
        {"uniform": [0, 1e308], "step": 1e-9},
        {"int": [-(2**63), 2**63 - 1]},
    ):
        document = build_sweep_document({"/network/layers/1/kernel_initializer/seed": bounds, RATE: bounds})
        assert not try_sweep(json.dumps(document).encode())
    assert try_sweep(json.dumps(build_sweep_document({"/training/seed": {"int": [0, 2**32 - 1]}})).encode())
