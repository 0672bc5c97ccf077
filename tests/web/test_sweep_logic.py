"""What the page computes for sweeps: axes, lines, filters, orders, and the document of the form."""

import math

from tests.web.module_graph import WEB
from tests.web.test_curve_logic import run_javascript

SWEEP, FORM = "pages/sweep", "pages/new_sweep"
RATE, UNITS, OPTIMIZER = "/training/optimizer/learning_rate", "/network/layers/0/units", "/training/optimizer"


def build_row(number, value, parameters, state="complete"):
    return {"number": number, "value": value, "parameters": parameters, "state": state, "rank": number, "epochs": 1}


def test_a_logarithmic_axis_locates_values_by_their_logarithm():
    low, middle, high, beyond = run_javascript(
        "components/plot/scales.js",
        "value[1].map(module.buildScale(value[0], { isLog: true }).locate)",
        [[1e-4, 1e-2, 1, None], [1e-4, 1e-2, 1, 0]],
    )
    assert math.isclose(middle, (low + high) / 2)
    assert 0 < low < 0.1
    assert beyond is None  # a logarithmic axis has no place for zero


def test_values_that_are_not_numbers_become_categories():
    expression = "((scale) => [scale.kind, scale.ticks.map((tick) => tick.label), scale.locate(null)])"
    values = [{"type": "SGD"}, None, {"type": "Adam"}, {"type": "SGD"}]
    scale = run_javascript("components/plot/scales.js", f"{expression}(module.buildScale(value))", values)
    assert scale == ["category", ["Adam", "SGD"], None]


def test_a_line_has_a_gap_where_a_trial_does_not_use_a_parameter():
    rows = [build_row(0, 0.5, {"a": 1, "b": None, "c": 3}), build_row(1, 0.6, {"a": 2, "b": 2, "c": 4})]
    columns = [{"pointer": name, "label": name, "isLog": False} for name in "abc"]
    script = """await (async () => {
        const { buildAxes } = await import(value[2]);
        const axes = buildAxes(value[0], value[1], "loss");
        return value[0].map((row) => module.buildLine(row, axes, [0, 10, 20, 30], 100));
    })()"""
    url = (WEB / SWEEP / "parallel/axes.js").as_uri()
    gap, whole = run_javascript(f"{SWEEP}/parallel/lines.js", script, [rows, columns, url])
    assert gap["solid"].count("M") == 1
    assert gap["dashed"].count("M") == 1
    assert len(gap["dots"]) == 1
    assert (whole["solid"].count("M"), whole["dashed"], whole["dots"]) == (3, "", [])


def test_ranges_on_axes_select_the_trials_within_all_of_them():
    rows = [
        build_row(number, value, {RATE: rate}) for number, value, rate in [(0, 1, 0.1), (1, 2, 0.01), (2, 3, None)]
    ]
    columns = [{"pointer": RATE, "label": "rate", "isLog": True}]
    expression = """((axes) => value[2].map((ranges) => {
        const selected = module.selectTrials(value[0], axes, ranges);
        return selected && [...selected];
    }))(module.buildAxes(value[0], value[1], "loss"))"""
    small, all_rates = {"low": 0.005, "high": 0.02}, {"low": 0.005, "high": 0.5}
    ranges = [{}, {RATE: small}, {RATE: all_rates}, {RATE: all_rates, "value": {"low": 0, "high": 1.5}}]
    assert run_javascript(f"{SWEEP}/parallel/axes.js", expression, [rows, columns, ranges]) == [None, [1], [0, 1], [0]]


def test_rows_are_ranked_with_complete_trials_first_and_values_by_the_direction():
    table = {
        "number": [0, 1, 2, 3, 4],
        "state": ["complete", "halted", "complete", "diverged", "complete"],
        "value": [0.5, 0.9, 0.7, None, 0.6],
        "n": [1] * 5,
        "epochs": [9, 1, 9, 2, 9],
        "seconds": [1.0] * 5,
        "job": [None] * 5,
        "parameters": {RATE: [0.1, 0.2, 0.3, 0.4, None]},
    }
    results = {"mode": "max", "ranking": [{"number": 4, "estimate": {"n": 2, "mean": 0.6}, "difference": None}]}
    expression = "module.buildTrialRows(value[0], value[1]).map((row) => row.number)"
    # Trial 4 ranks first because it ran again on fresh seeds.
    assert run_javascript(f"{SWEEP}/trial_rows.js", expression, [table, results]) == [4, 2, 0, 1, 3]


def test_trials_without_a_value_come_last_in_both_directions():
    rows = [build_row(0, 1.0, {RATE: 0.2}), build_row(1, None, {RATE: None}), build_row(2, 3.0, {RATE: 0.1})]
    orders = [{"key": key, "isDescending": flag} for key in ("value", RATE) for flag in (False, True)]
    expression = "value[1].map((order) => module.sortRows(value[0], order).map((row) => row.number))"
    assert run_javascript(f"{SWEEP}/trials/trial_order.js", expression, [rows, orders]) == [
        [0, 2, 1],
        [2, 0, 1],
        [2, 0, 1],
        [0, 2, 1],
    ]


def test_labels_of_parameters_are_short_and_different():
    pointers = [RATE, UNITS, "/network/layers/12/units", OPTIMIZER, "/a/momentum", "/b/momentum"]
    labels = run_javascript(f"{SWEEP}/trial_rows.js", "module.shortenPointers(value)", pointers)
    assert labels == [
        "learning_rate",
        "units (layer 0)",
        "units (layer 12)",
        "optimizer",
        "a.momentum",
        "b.momentum",
    ]


def test_parameters_of_options_are_found_for_logarithmic_axes():
    choice = {"choice": [{"set": "adam", "space": {RATE: {"log_uniform": [0.001, 1]}}}, {"set": "sgd"}]}
    space = {OPTIMIZER: choice, UNITS: {"int": [2, 8], "log": True}, "/c": [1, 2], "/d": {"int": [1, 2]}}
    assert run_javascript(f"{SWEEP}/trial_rows.js", "[...module.findLogPointers(value)]", space) == [RATE, UNITS]


SPACE = {
    RATE: {"log_uniform": [0.0001, 0.1]},
    UNITS: {"int": [4, 64], "log": True, "also": ["/network/layers/1/units"]},
    "/network/layers/1/rate": {"uniform": [0, 0.6], "step": 0.1},
    "/network/layers/0/activation": {"values": ["relu", "tanh", None]},
    OPTIMIZER: {"choice": [{"set": "adam"}, {"set": {"type": "SGD"}}]},
}


def test_the_form_keeps_a_sweep_as_it_is():
    sweep = {
        "name": "a",
        "base": {"network": {}},
        "space": SPACE,
        "search": {"method": "sobol", "seed": 3},
        "objective": {"metric": "val_accuracy", "mode": "max", "at": "last"},
        "halving": {"eta": 4},
        "repeats": {"count": 3, "vary": "all", "of_top": 2},
        "budget": {"trials": 10, "seconds": 2.5},
        "stop": {"target": 0.1},
        "priority": 7,
        "max_concurrent": 2,
    }
    expression = "module.buildDocument(module.readDocument(value))"
    assert run_javascript(f"{FORM}/sweep_draft.js", expression, sweep) == sweep


def test_short_forms_become_long():
    sweep = {
        "base": {},
        "space": {RATE: [0.1, 0.2]},
        "search": "random",
        "objective": "loss",
        "repeats": 2,
        "budget": 5,
    }
    assert run_javascript(f"{FORM}/sweep_draft.js", "module.buildDocument(module.readDocument(value))", sweep) == {
        "base": {},
        "space": {RATE: {"values": [0.1, 0.2]}},
        "search": {"method": "random"},
        "objective": {"metric": "loss"},
        "repeats": {"count": 2},
        "budget": {"trials": 5},
    }


VALUES = {
    "8, 16": [8, 16],
    "relu, tanh": ["relu", "tanh"],
    '"a, b", 1': ["a, b", 1],
    "relu, null, true": ["relu", None, True],
    '{"type": "SGD"}, null': [{"type": "SGD"}, None],
    "": [],
}


def test_values_are_read_as_people_write_them():
    values = run_javascript(f"{FORM}/parameter_draft.js", "value.map(module.readValues)", list(VALUES))
    assert values == list(VALUES.values())


def test_an_error_belongs_to_the_field_that_leads_furthest_to_its_place():
    faults = [{"pointer": pointer} for pointer in ("/budget/trials", "/budget", "/budgets", "/space/~1a/int/1", "")]
    expression = "[...module.groupFaults(value[0], value[1])].map(([field, group]) => [field, group.length])"
    groups = run_javascript(
        f"{FORM}/field_faults.js", expression, [faults, ["/budget", "/budget/trials", "/space/~1a"]]
    )
    assert dict(groups) == {"/budget/trials": 1, "/budget": 1, "": 2, "/space/~1a": 1}


def test_a_fix_changes_the_place_that_its_patch_names():
    document = {"space": {"/a": [1, 2]}, "base": {"rate": 1}}
    patch = [
        {"op": "replace", "path": "/space/~1a/0", "value": 3},
        {"op": "move", "from": "/base/rate", "path": "/base/learning_rate"},
        {"op": "add", "path": "/budget", "value": {"trials": 5}},
    ]
    changed = {"space": {"/a": [3, 2]}, "base": {"learning_rate": 1}, "budget": {"trials": 5}}
    assert run_javascript(f"{FORM}/pointers.js", "module.applyPatch(value[0], value[1])", [document, patch]) == changed


def test_a_range_stays_where_it_is_when_the_limits_of_its_axis_change():
    rates = [{"pointer": RATE, "label": "rate", "isLog": True}]
    rows = [build_row(number, 1, {RATE: rate}) for number, rate in enumerate([0.001, 0.1, 1000])]
    expression = """((few, all) => {
        const ranges = { [value[2]]: module.createRange(few[0], [0, 0.5]) };
        return [...module.selectTrials(value[0], all, ranges)];
    })(module.buildAxes(value[0].slice(0, 2), value[1], "loss"), module.buildAxes(value[0], value[1], "loss"))"""
    assert run_javascript(f"{SWEEP}/parallel/axes.js", expression, [rows, rates, RATE]) == [0]
