"""Sweeps as JSON: what is accepted, and the faults of what is not."""

import json

import pytest

from stackyard.spec import SpecError
from stackyard.sweep import dump_sweep_spec, load_sweep_spec, parse_sweep_spec, resolve_objective, resolve_space
from tests.factories import iris_spec
from tests.sweep.factories import LEARNING_RATE, OPTIMIZERS, RATE, UNITS, build_sweep_document, parse_sweep

RATE_SPACE = "/space/~1training~1optimizer~1learning_rate"


def find_faults(document):
    with pytest.raises(SpecError) as error:
        resolve_space(parse_sweep_spec(json.dumps(document).encode()))
    return error.value.faults


def apply_move(document, operation):
    """Apply a `move` within one object of a sweep's document."""
    *parents, old = operation.source.split("/")[1:]
    target = document
    for segment in parents:
        target = target[segment.replace("~1", "/")]
    target[operation.path.split("/")[-1].replace("~1", "/")] = target.pop(old.replace("~1", "/"))


def test_a_stored_sweep_is_read_as_it_was():
    space = {"/training/optimizer": OPTIMIZERS, UNITS: [4, 8], RATE: {"uniform": [0, 0.6], "step": 0.1}}
    sweep, _ = parse_sweep(space, halving={"from_epoch": 1}, repeats=3, stop={"target": 0.1}, tags=["wine"])
    assert load_sweep_spec(json.loads(json.dumps(dump_sweep_spec(sweep)))) == sweep


def test_short_forms_stand_for_objects():
    sweep, _ = parse_sweep({UNITS: [4, 8]}, search="tpe", objective="accuracy", budget=7, repeats=2)
    assert (sweep.search.method, sweep.budget.trials, sweep.repeats.count) == ("tpe", 7, 2)
    assert resolve_objective(sweep).mode == "max"


def test_the_objective_follows_from_the_base():
    sweep, _ = parse_sweep()
    objective = resolve_objective(sweep)
    assert (objective.metric, objective.mode, objective.at) == ("val_loss", "min", "best")
    without = iris_spec(data={"dataset": "builtin:iris", "target": "target"})
    assert resolve_objective(parse_sweep(base=without)[0]).metric == "loss"


@pytest.mark.parametrize(
    ("space", "pointer", "fix"),
    [
        ({"/training/optimizer/lr": {"log_uniform": [1e-4, 0.1]}}, LEARNING_RATE, "learning_rate"),
        ({"/learning_rate": [0.1, 0.2]}, LEARNING_RATE, LEARNING_RATE),
        ({"/trainin/batch_size": [16, 32]}, "/training/batch_size", "/training/batch_size"),
        ({"/network/layer/1/units": [16, 32]}, UNITS, UNITS),
    ],
)
def test_a_wrong_pointer_gets_a_patch_that_corrects_it(space, pointer, fix):
    document = build_sweep_document(space)
    [fault] = find_faults(document)
    assert fault.pointer.startswith("/space/" + next(iter(space)).replace("/", "~1"))
    assert fix in fault.fix
    [operation] = fault.patch
    apply_move(document, operation)
    assert list(document["space"]) == [pointer]
    resolve_space(parse_sweep_spec(json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("changes", "pointer", "text"),
    [
        ({"space": {LEARNING_RATE: {"log_uniform": [-4, -1]}}}, f"{RATE_SPACE}/log_uniform/0", "[0.0001, 0.1]"),
        ({"space": {LEARNING_RATE: {"log_uniform": [0.1, 0.01]}}}, f"{RATE_SPACE}/log_uniform/1", "[0.01, 0.1]"),
        ({"space": {LEARNING_RATE: {"uni": [0, 1]}}}, RATE_SPACE, "uniform, log_uniform, int, values, choice"),
        ({"space": {LEARNING_RATE: {"uniform": [0, 1], "values": [1]}}}, RATE_SPACE, "uniform and values"),
        ({"space": {LEARNING_RATE: 0.1}}, RATE_SPACE, "base"),
        ({"space": {LEARNING_RATE: {"values": [1, 1.0]}}}, f"{RATE_SPACE}/values/1", "different values"),
        ({"space": {LEARNING_RATE: [0.1, -1]}}, f"{RATE_SPACE}/1", "greater than 0"),
        ({"space": {"training.batch_size": [8]}}, "/space/training.batch_size", '"/training/batch_size"'),
        ({"space": {"/network/layers/9/units": [8]}}, "/space/~1network~1layers~19~1units", "from 0 to 3"),
        ({"space": {"/name": ["a"]}}, "/space/~1name", "data, network, training"),
        ({"space": {UNITS: {"uniform": [8, 16]}}}, "/space/~1network~1layers~11~1units", '{"int": [8, 16]}'),
        ({"space": {"/training/optimizer": ["adm"]}}, "/space/~1training~1optimizer/0", '"Adam"'),
        (
            {"space": {UNITS: {"int": [8, 16], "log": True, "step": 2}}},
            "/space/~1network~1layers~11~1units/step",
            "log",
        ),
        ({"space": {}}, "", '"space"'),
        ({"budget": None}, "", '"budget": {"trials": 100}'),
        ({"search": "grid"}, RATE_SPACE, '"values"'),
        ({"search": "gird"}, "/search", "grid"),
        ({"base": None}, "", '"base"'),
        ({"base": iris_spec(training={"epoch": 1})}, "/base/training/epoch", "epochs"),
        ({"specs": [iris_spec()]}, "/specs", "list"),
        ({"search": "list"}, "/base", '"specs"'),
        ({"halving": {"from_epoch": 3}}, "/halving", "epochs"),
        ({"halving": {}, "space": {"/training/epochs": [4, 5]}}, "/space/~1training~1epochs", "epochs"),
        ({"repeats": 2, "space": {"/training/seed": [4, 5]}}, "/space/~1training~1seed", "seed"),
        ({"max_concurent": 4}, "/max_concurent", "max_concurrent"),
    ],
)
def test_a_fault_says_where_and_what(changes, pointer, text):
    faults = find_faults(build_sweep_document(**changes))
    assert pointer in [fault.pointer for fault in faults]
    assert text in faults[0].message_with_fix


def test_two_parameters_may_not_set_the_same_place():
    faults = find_faults(
        build_sweep_document({UNITS: [4, 8], "/training/batch_size": {"values": [4], "also": [UNITS]}})
    )
    assert [fault.pointer for fault in faults] == ["/space/~1training~1batch_size"]
    contradiction = {"choice": [{"set": 4, "space": {UNITS: [1, 2]}}]}
    faults = find_faults(build_sweep_document({UNITS: contradiction}))
    assert "which the option sets" in faults[0].message


def test_an_option_whose_settings_do_not_fit_is_refused():
    broken = {"choice": [{"set": "adam"}, {"set": {"type": "Adam"}, "space": {"/training/optimizer/momentum": [0.5]}}]}
    [fault] = find_faults(build_sweep_document({"/training/optimizer": broken}))
    assert fault.pointer.startswith("/space/~1training~1optimizer/choice/1/space/~1training~1optimizer~1momentum")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"base": 1}', b'{"space": {"": [1]}}', b'{"space": [1]}', b'{"specs": 3}']
)
def test_hostile_documents_only_raise_faults(text):
    with pytest.raises(SpecError):
        resolve_space(parse_sweep_spec(text))


def test_a_huge_space_is_refused_before_it_is_resolved():
    nested = {"choice": [{"set": index} for index in range(400)]}
    outer = {"choice": [{"set": {"type": "SGD"}, "space": {LEARNING_RATE: nested}}, {"space": {RATE: nested}}]}
    [fault] = find_faults(build_sweep_document({"/training/optimizer": outer}))
    assert fault.pointer == "/space"
    assert "500" in fault.message


def test_many_wrong_pointers_cost_little():
    faults = find_faults(build_sweep_document({f"/training/optimizer{index}/rate": [1] for index in range(300)}))
    assert len(faults) == 101
    assert sum(fault.fix is not None for fault in faults) <= 5
