"""The cost of refusing or accepting a large spec: proportional to its size, and bounded at the limits.

Lines of Python are counted at two sizes. C code, such as a search in a tuple, executes no lines, so the processor time
at the largest size is bounded too.
"""

import time
from contextlib import suppress
from functools import partial

import pytest

from stackyard.spec import SpecError, check_spec, parse_spec
from tests.line_counting import count_executed_lines
from tests.spec.documents import build_column, build_table, encode_json

SMALL, LARGE = 300, 1200
MAX_NAMES = 9_999
MAX_LAYERS = 1000
MAX_CPU_S = 4.0
"""Far more than a proportional check needs, and far less than one with a product of two lists."""


def list_names(count, stem="column"):
    return [f"{stem}_{index:05}" for index in range(count)]


def describe_columns(count, column_type="float", **fields):
    return build_table(*(build_column(name, column_type, **fields) for name in list_names(count)), rows=1000)


def build_document(data=None, layers=None, **training):
    table = {"dataset": "wide", "target": {"column": "column_00000"}}
    network = {"layers": [*(layers or []), {"type": "Dense", "units": 1}]}
    return {"data": table | (data or {}), "network": network, "training": {"loss": "mse", **training}}


def build_unknown_features(count):
    return build_document({"features": [{"columns": list_names(count, "colunm")}]}), describe_columns(count)


def build_long_unknown_features(count):
    stem = "measurement_of_the_" * 5
    columns = [build_column(name) for name in list_names(count, f"{stem}sensor")]
    return (
        build_document({"features": [{"columns": list_names(min(count, 5000), f"{stem}senser")}]}),
        build_table(*columns),
    )


def build_unknown_targets(count):
    return build_document({"target": {"column": list_names(count, "colunm")}}), describe_columns(count)


def build_unknown_dropped_columns(count):
    return build_document({"drop_missing": list_names(count, "colunm")}), describe_columns(count)


def build_dropped_columns(count):
    return build_document({"drop_missing": list_names(count)}), describe_columns(count, missing=3)


def build_targets_as_features(count):
    names = list_names(count)
    return build_document({"target": {"column": names}, "features": [{"columns": names}]}), describe_columns(count)


def build_text_targets(count):
    return build_document({"target": {"column": list_names(count)}}), describe_columns(count, "text")


def build_default_features(count):
    return build_document({"target": {"column": list_names(count - 1)}}), describe_columns(count)


def build_repeated_feature(count):
    group = {"columns": ["column_00001"] * count, "transform": "ordinal"}
    impute = {"strategy": "constant", "fill_value": "none of them"}
    columns = describe_columns(3, "text", missing=3, categories=list_names(1000, "value"))
    return build_document({"features": [group | {"impute": impute}]}), columns


def build_unknown_classes(count):
    weights = dict.fromkeys(list_names(count, "valeu"), 1.0)
    document = build_document(class_weight=weights)
    document["training"]["loss"] = "sparse_categorical_crossentropy"
    document["network"]["layers"][-1]["units"] = 1000
    document["data"]["features"] = [{"columns": ["number"]}]
    target = build_column("column_00000", "text", categories=list_names(1000, "value"))
    return document, build_table(target, build_column("number"))


WIDE_SPECS = [
    build_unknown_features,
    build_long_unknown_features,
    build_unknown_targets,
    build_unknown_dropped_columns,
    build_dropped_columns,
    build_targets_as_features,
    build_text_targets,
    build_default_features,
    build_repeated_feature,
    build_unknown_classes,
]


def build_named_layers(count):
    layers = [{"type": "Dense", "units": 8, "name": f"layer_{index % 7}"} for index in range(count)]
    return build_document(layers=layers), describe_columns(3)


def build_misspelled_arguments(count):
    layers = [{"type": "Dense", "units": 8, f"kernel_initialiser_{index}": 1} for index in range(count)]
    return build_document(layers=layers), describe_columns(3)


def build_reshapes(count):
    layers = [{"type": "Reshape", "target_shape": [1] * 200 + [2]} for _ in range(count)]
    return build_document(layers=layers), describe_columns(3)


def build_nested_wrappers(count):
    layer = {"type": "Dense", "units": 8}
    for _ in range(10):
        layer = {"type": "SpectralNormalization", "layer": layer}
    return build_document(layers=[layer] * count), describe_columns(3)


DEEP_SPECS = [build_named_layers, build_misspelled_arguments, build_reshapes, build_nested_wrappers]


def process(document, description):
    """Parse and check a document, and ignore the outcome."""
    with suppress(SpecError):
        check_spec(parse_spec(encode_json(document)), description)


@pytest.mark.parametrize("build", [*WIDE_SPECS, *DEEP_SPECS])
def test_the_lines_that_a_check_executes_are_proportional_to_the_size_of_the_spec(build):
    sizes = (SMALL, LARGE) if build in WIDE_SPECS else (SMALL // 6, LARGE // 6)
    small, large = (count_executed_lines(partial(process, *build(size))) for size in sizes)
    assert large < 1.5 * LARGE / SMALL * small


@pytest.mark.parametrize("build", [*WIDE_SPECS, *DEEP_SPECS])
def test_the_largest_spec_is_checked_in_a_bounded_time(build):
    document, description = build(MAX_NAMES if build in WIDE_SPECS else MAX_LAYERS - 1)
    begin = time.thread_time()
    process(document, description)
    assert time.thread_time() - begin < MAX_CPU_S


def test_the_first_unknown_columns_get_suggestions():
    document, description = build_unknown_features(20)
    with pytest.raises(SpecError) as caught:
        check_spec(parse_spec(encode_json(document)), description)
    fixes = [fault.fix for fault in caught.value.faults]
    assert fixes[:5] == [f'did you mean "{name}"?' for name in list_names(5)]
    assert not any(fixes[5:])
