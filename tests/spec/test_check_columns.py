"""Check columns: missing values, classes, selections, logarithms, and a separate test dataset."""

import json

import pytest

from stackyard.spec import JobSpec, SpecError, check_spec, parse_spec
from tests.spec.documents import build_column, build_label_column, build_table

TABLE = build_table(
    build_column("cabin", "text", missing=100, categories=["C1"]),
    build_column("age", missing=20),
    build_column("port", "text", missing=4, categories=["C", "S"]),
    build_column("fare", minimum=0, maximum=500),
    build_column("rank", "float", categories=[0, 1, 2], minimum=0, maximum=2),
    build_column("answer", "text", categories=[" yes", "no", "yes"]),
    build_column("late", "boolean", categories=[False, True], minimum=None, maximum=None),
    build_label_column("survived", [0, 1]),
).model_copy(update={"missing_rows": {"1": 80, "3": 16, "7": 4}})

AGE, PORT = {"columns": ["age"]}, {"columns": ["port"], "transform": "one_hot"}
FARE = {"columns": ["fare"]}
LABELS = "sparse_categorical_crossentropy"


def check(data, units=1, loss="mse", test_table=None, table=TABLE):
    layers = [{"type": "Dense", "units": units, "activation": "softmax" if units > 1 else None}]
    data = {"dataset": "titanic", "target": {"column": "survived"}, "features": [FARE]} | data
    document = {"data": data, "network": {"layers": layers}, "training": {"loss": loss, "metrics": []}}
    return check_spec(parse_spec(json.dumps(document).encode()), table, test_dataset=test_table)


def collect_faults(*arguments, **more):
    with pytest.raises(SpecError) as caught:
        check(*arguments, **more)
    return {fault.pointer: fault for fault in caught.value.faults}


def test_the_fix_of_missing_values_names_the_columns_that_matter_and_the_rows_that_remain():
    faults = collect_faults({"features": [AGE, PORT, FARE]})
    fix = 'set "drop_missing": ["age", "port"] to leave those rows out, which leaves 130 of 150 rows'
    assert fix in faults["/data/features/0/columns/0"].fix
    assert fix in faults["/data/features/1/columns/0"].fix
    assert check({"features": [AGE, PORT, FARE], "drop_missing": ["age", "port"]}).rows.train == 130


def test_the_fix_keeps_listed_columns_and_leaves_out_imputed_ones():
    data = {"features": [AGE, PORT | {"impute": "most_frequent"}], "drop_missing": ["cabin"]}
    fix = collect_faults(data)["/data/features/0/columns/0"].fix
    assert 'set "drop_missing": ["cabin", "age"]' in fix


@pytest.mark.parametrize(
    ("drop_missing", "split", "rows"),
    [
        (True, {}, (50, 50, 0)),
        (["age", "port"], {}, (130, 130, 0)),
        (["cabin"], {"test": {"method": "last", "train_fraction": 0.8}}, (50, 40, 10)),
        (["cabin", "age"], {"test": {"method": "group", "column": "fare", "train_fraction": 0.8}}, (50, None, None)),
    ],
)
def test_the_report_has_the_rows_that_remain(drop_missing, split, rows):
    report = check({"drop_missing": drop_missing, "split": split})
    assert (report.rows.total, report.rows.train, report.rows.test) == rows


def list_warnings(report, code):
    return [advice for advice in report.warnings if advice.code == code]


def test_rows_that_are_dropped_for_unused_columns_are_a_warning():
    report = check({"features": [AGE, FARE], "drop_missing": True})
    [warning] = list_warnings(report, "rows_dropped_for_unused_columns")
    assert "drops 100 of 150 rows, 80 of them" in warning.message
    assert warning.fix == 'set "drop_missing": ["age"]'
    needed = check({"features": [AGE, FARE], "drop_missing": ["age"]})
    assert list_warnings(needed, "rows_dropped_for_unused_columns") == []


@pytest.mark.parametrize(
    ("drop_missing", "fix"),
    [(True, 'set "drop_missing": ["age"]'), (["cabin", "port"], 'leave it out, and "impute" the features')],
)
def test_dropping_every_row_is_a_fault_that_names_the_columns_that_matter(drop_missing, fix):
    empty = TABLE.model_copy(update={"missing_rows": {"1": 80, "3": 16, "5": 50, "7": 4}, "rows": 150})
    faults = collect_faults({"features": [AGE], "drop_missing": drop_missing}, table=empty)
    assert faults["/data/drop_missing"].fix == fix


def test_floats_that_are_whole_numbers_are_labels():
    report = check({"target": {"column": "rank"}}, 3, "sparse_categorical_crossentropy")
    assert report.task.classes == (0, 1, 2)


@pytest.mark.parametrize(
    ("target", "words", "fix"),
    [
        ({"column": "fare"}, "it has fractions", None),
        ({"column": "rank", "standard": True}, "standard scales them", "leave out standard"),
        ({"column": ["rank", "fare"]}, "a row has several of them", None),
    ],
)
def test_the_reason_why_numbers_are_no_labels_is_the_one_that_applies(target, words, fix):
    fault = collect_faults({"target": target, "features": [PORT], "drop_missing": ["port"]}, 3, LABELS)[
        "/training/loss"
    ]
    assert words in fault.message
    assert fault.fix == fix


def test_values_that_differ_only_in_spaces_are_named():
    target = {"target": {"column": "answer"}}
    assert (
        '" yes" and "yes" differ only in spaces'
        in collect_faults(target, 2, LABELS)["/network/layers/0/units"].message
    )
    [warning] = list_warnings(check(target, 3, LABELS), "values_differ_in_spaces")
    assert warning.pointer == "/data/target/column"
    features = {"features": [{"columns": ["late", "answer"], "transform": "one_hot"}]}
    [warning] = list_warnings(check(features), "values_differ_in_spaces")
    assert warning.pointer == "/data/features/0/columns/1"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"column": "fare", "transform": "log"}, "expected numbers above 0 for log, received 0"),
        ({"column": "late", "transform": "log1p"}, "expected numbers above -1 for log1p, received booleans"),
        ({"column": ["rank", "fare"], "transform": "log"}, "above 0"),
    ],
)
def test_a_logarithm_without_a_result_is_a_fault(target, words):
    assert words in collect_faults({"target": target, "features": [PORT]})["/data/target/transform"].message


def test_a_class_has_no_logarithm():
    target = {"target": {"column": "rank", "encode": "one_hot", "transform": "log1p"}}
    assert "no transform" in collect_faults(target)["/data/target/transform"].message


def test_selected_and_excluded_columns():
    data = {"features": [{"select": "numeric"}, {"select": "boolean"}, PORT], "drop_missing": ["port"]}
    assert check(data | {"exclude": ["age"]}).input_shape == (5,)
    fault = collect_faults(data)["/data/features/0"]
    assert 'missing values in "age"' in fault.message


def test_a_stored_spec_with_a_selection_can_be_read_again():
    spec = check({"features": [{"select": "boolean"}]}).spec
    assert JobSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"features": [{"transform": "standard"}]}, "/data/features/0", "received neither"),
        ({"features": [{"select": "boolean"}, {"select": "boolean"}]}, "/data/features/1/select", "no other group"),
        ({"exclude": ["fares"]}, "/data/exclude/0", "expected a column of the dataset"),
        ({"exclude": ["fare"]}, "/data/exclude/0", "no group lists"),
    ],
)
def test_a_selection_of_nothing_is_a_fault(data, pointer, words):
    assert words in collect_faults(data)[pointer].message


def build_test_table(**changes):
    """Return the description of a test dataset; `changes` replace columns by name, or remove them with None."""
    columns = {column.name: column for column in TABLE.columns} | changes
    return build_table(*(column for column in columns.values() if column is not None), rows=40)


SEPARATE = {"test_dataset": "other", "split": {"validation": {"method": "last", "train_fraction": 0.8}}}


def test_the_rows_of_a_test_dataset_are_the_test_rows():
    report = check(SEPARATE, test_table=build_test_table(cabin=None, age=None))
    assert (report.rows.train, report.rows.validation, report.rows.test) == (120, 30, 40)


@pytest.mark.parametrize(
    ("changes", "data", "words"),
    [
        ({"fare": None}, {}, 'expected a column "fare"'),
        ({"fare": build_column("fare", "text")}, {}, "expected numbers in"),
        ({"survived": build_column("survived", "text")}, {}, "expected whole numbers in"),
        ({"fare": build_column("fare", missing=3)}, {}, 'no missing values in "fare" of the test dataset, received 3'),
        ({"fare": build_column("fare", missing=40)}, {"drop_missing": ["fare"]}, "at least 1 row"),
        ({"age": None}, {"drop_missing": ["age"]}, 'the column "age" of drop_missing'),
        (
            {"rank": build_column("rank", "float", categories=None)},
            {"features": [{"columns": ["rank"], "transform": "one_hot"}]},
            "expected whole numbers in",
        ),
    ],
)
def test_a_test_dataset_has_the_columns_that_the_job_needs(changes, data, words):
    fault = collect_faults(SEPARATE | data, test_table=build_test_table(**changes))["/data/test_dataset"]
    assert words in fault.message


def test_a_test_dataset_has_only_classes_that_train():
    data = SEPARATE | {"target": {"column": "port"}, "drop_missing": ["port"]}
    other = build_column("port", "text", categories=["C", "Q", "S"])
    fault = collect_faults(data, 2, LABELS, test_table=build_test_table(port=other))["/data/test_dataset"]
    assert 'received "Q"' in fault.message


def test_a_test_dataset_takes_the_place_of_a_test_split():
    split = {"test": {"method": "last", "train_fraction": 0.8}}
    faults = collect_faults({"test_dataset": "other", "split": split}, test_table=build_test_table())
    assert "one way to a test set" in faults["/data/split/test"].message
