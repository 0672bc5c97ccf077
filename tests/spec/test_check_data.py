"""What a spec takes from a dataset, against what the dataset has."""

import pytest

from stackyard.spec import ArraysDescription, TableDescription
from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    array,
    as_arrays,
    changed,
    checked,
    column,
    labels,
    refused,
    table,
)

MIXED = table(
    column("size"),
    column("count", "integer", categories=[1, 2, 3, 4], minimum=1, maximum=4),
    column("colour", "text", categories=["blue", "green", "red"]),
    column("id", "text"),
    column("holes", missing=3),
    column("bare", "text", categories=[]),
    column("price", maximum=1000),
    column("weight", minimum=-1),
    column("gaps", "text", missing=2, categories=["a", "b"]),
    column("set", "text", categories=["test", "train"]),
)


def mixed(*groups, **data):
    """A regression on the price from these groups of features."""
    features = {"features": [{"columns": columns, "transform": how} for columns, how in groups]} if groups else {}
    return changed(REGRESSION, {"data": {"target": {"column": "price"}, **features, **data}})


def test_inputs_are_as_wide_as_their_columns_and_categories():
    report = checked(mixed((["size", "count"], "standard"), (["colour"], "one_hot")), MIXED)
    assert report.input_shape == (5,)


def test_every_column_but_the_target_is_a_feature_by_default():
    assert checked(changed({})).input_shape == (4,)
    assert checked(changed(REGRESSION)).input_shape == (4,)


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        (mixed((["sizes"], "none")), "/data/features/0/columns/0", 'did you mean "size"'),
        (mixed((["size"], "none"), (["count", "x"], "none")), "/data/features/1/columns/1", 'received "x"'),
        (mixed((["size", "size"], "none")), "/data/features/0/columns/1", "once"),
        (mixed((["count"], "none"), (["count"], "one_hot")), "/data/features/1/columns/0", "once"),
        (mixed((["size", "price"], "none")), "/data/features/0/columns/1", "no target among"),
        (mixed((["colour"], "standard")), "/data/features/0/columns/0", "one_hot"),
        (mixed((["id"], "one_hot")), "/data/features/0/columns/0", "1000"),
        (mixed((["size"], "one_hot")), "/data/features/0/columns/0", "fractions"),
        (mixed((["bare"], "one_hot")), "/data/features/0/columns/0", "no value at all"),
        (mixed((["holes"], "none")), "/data/features/0/columns/0", "drop_missing"),
        (mixed((["holes"], "none")), "/data/features/0/columns/0", '"impute"'),
        (mixed((["id"], "ordinal")), "/data/features/0/columns/0", "1000"),
        (mixed((["colour"], "l2")), "/data/features/0/columns/0", "ordinal"),
        (mixed((["gaps"], "one_hot"), impute="mean"), "/data/impute", '"most_frequent" or a "constant" for "gaps"'),
        (
            mixed((["gaps"], "one_hot"), impute={"strategy": "constant", "fill_value": "c"}),
            "/data/impute",
            "a fill_value that the column has",
        ),
        (
            mixed((["holes"], "none"), impute={"strategy": "constant", "fill_value": "none"}),
            "/data/impute",
            "a fill_value that is a number",
        ),
        (mixed((["size"], "none"), drop_missing=["size", "sise"]), "/data/drop_missing/1", 'did you mean "size"'),
        (mixed((["size", "holes"], "none"), drop_missing=["size"]), "/data/features/0/columns/1", "drop_missing"),
        (mixed((["size"], "none"), sample_weight="colour"), "/data/sample_weight", "numbers"),
        (mixed((["size"], "none"), sample_weight="weight"), "/data/sample_weight", "at least 0"),
        (mixed((["size"], "none"), sample_weight="price"), "/data/sample_weight", "another column than the target"),
        (mixed((["size"], "none"), sample_weight="x"), "/data/sample_weight", 'received "x"'),
        (mixed(), "/data", "text"),
        (mixed((["size"], "none"), target={"column": "prise"}), "/data/target/column", 'did you mean "price"'),
        (mixed((["size"], "none"), target={"column": "holes"}), "/data/target/column", "drop_missing"),
        (mixed((["size"], "none"), target={"column": ["price", "x"]}), "/data/target/column/1", 'received "x"'),
        (mixed((["size"], "none"), target={"column": ["price", "colour"]}), "/data/target/column/1", "text"),
        (mixed((["size"], "none"), target={"column": ["price", "price"]}), "/data/target/column", "once"),
        (mixed((["size"], "none"), target={"column": "price", "encode": "one_hot"}), "/data/target/column", "1000"),
        (
            mixed((["size"], "none"), target={"column": ["price", "count"], "encode": "one_hot"}),
            "/data/target/encode",
            "one target column",
        ),
        (
            mixed((["size"], "none"), target={"column": "colour", "divide_by": 2}),
            "/data/target/divide_by",
            "text target",
        ),
        (
            mixed((["size"], "none"), target={"column": "count", "encode": "one_hot", "standard": True}),
            "/data/target/standard",
            "one-hot",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_table_does_not_give_is_said_where_it_is_asked(document, pointer, words):
    found = refused(document, MIXED)
    assert words in found[pointer], found


def test_a_dataset_with_nothing_but_the_target_has_no_features():
    assert "feature" in refused(changed(REGRESSION), table(column("petal_w")))["/data"]


class TestRows:
    def rows(self, dataset=IRIS, **data):
        return checked(changed({"data": {"split": ...}}, {"data": data}), dataset).rows

    def test_without_a_split_all_train(self):
        rows = self.rows()
        assert (rows.train, rows.validation, rows.test) == (150, 0, 0)

    @pytest.mark.parametrize(
        ("method", "train"),
        [("random", 75), ("train_test_split", 75), ("last", 75)],
    )
    def test_half_is_half(self, method, train):
        rows = self.rows(split={"validation": {"method": method, "train_fraction": 0.5}})
        assert (rows.train, rows.validation) == (train, 150 - train)

    def test_pandas_rounds_and_the_others_cut(self):
        dataset = IRIS.model_copy(update={"rows": 11})
        assert self.rows(dataset, split={"test": {"method": "random", "train_fraction": 0.7}}).train == 8
        assert self.rows(dataset, split={"test": {"method": "last", "train_fraction": 0.7}}).train == 7

    def test_the_test_set_is_set_aside_first(self):
        split = {part: {"method": "last", "train_fraction": 0.8} for part in ("test", "validation")}
        rows = self.rows(split=split)
        assert (rows.train, rows.validation, rows.test) == (96, 24, 30)

    def test_steps_count_the_last_smaller_batch(self):
        assert checked(changed({"training": {"batch_size": 50}})).steps_per_epoch == 3
        assert checked(changed({"training": {"batch_size": 119}})).steps_per_epoch == 2

    def test_rows_that_may_leave_make_the_numbers_unknown(self):
        holes = [column("a", missing=3), column("b", missing=4), labels("target", [0, 1, 2])]
        report = checked(changed({"data": {"drop_missing": True}}), table(*holes))
        assert (report.rows.train, report.rows.validation, report.steps_per_epoch) == (None, None, None)

    def test_rows_that_will_leave_are_counted_where_one_column_lacks_them(self):
        dataset = table(column("a", missing=50), labels("target", [0, 1, 2]))
        assert self.rows(dataset, drop_missing=True).train == 100

    @pytest.mark.parametrize("part", ["test", "validation"])
    @pytest.mark.parametrize("fraction", [0.001, 0.999])
    def test_a_split_that_leaves_no_rows_is_refused(self, part, fraction):
        split = {part: {"method": "random", "train_fraction": fraction}}
        found = refused(changed({"data": {"split": ...}}, {"data": {"split": split}}))
        assert "at least 1" in found[f"/data/split/{part}/train_fraction"]

    def test_a_dataset_without_rows_is_refused(self):
        assert "/data" in refused(changed({"data": {"split": ...}}), IRIS.model_copy(update={"rows": 0}))

    def test_a_column_without_any_value_leaves_no_rows(self):
        dataset = table(column("a", missing=150), labels("target", [0, 1, 2]))
        assert "/data" in refused(changed({"data": {"drop_missing": True}}), dataset)


class TestDecidedByValues:
    """Splits that look at a column."""

    def divided(self, **split):
        return mixed((["size"], "none")) | {"data": {**mixed((["size"], "none"))["data"], "split": split}}

    def test_their_sides_are_known_when_the_rows_are_read(self):
        test = {"method": "column", "column": "set", "values": ["test"]}
        validation = {"method": "group", "column": "id", "train_fraction": 0.5}
        rows = checked(self.divided(test=test, validation=validation), MIXED).rows
        assert (rows.train, rows.validation, rows.test) == (None, None, None)

    def test_a_stratified_one_has_its_numbers(self):
        test = {"method": "train_test_split", "train_fraction": 0.8, "stratify": "colour"}
        rows = checked(self.divided(test=test), MIXED).rows
        assert (rows.train, rows.test) == (120, 30)

    @pytest.mark.parametrize(
        ("method", "at", "words"),
        [
            ({"method": "group", "column": "sets", "train_fraction": 0.5}, "/column", "did you mean set"),
            ({"method": "group", "column": "gaps", "train_fraction": 0.5}, "/column", "drop_missing"),
            ({"method": "group", "column": "set", "train_fraction": 0.2}, "/train_fraction", "of 2 groups"),
            ({"method": "column", "column": "set", "values": ["tests"]}, "/values/0", "test, train"),
            ({"method": "column", "column": "set", "values": ["test", "train"]}, "/values", "received all of them"),
            ({"method": "column", "column": "count", "values": [True]}, "/values/0", "received true"),
            ({"method": "train_test_split", "train_fraction": 0.5, "stratify": "id"}, "/stratify", "few values"),
            ({"method": "train_test_split", "train_fraction": 0.99, "stratify": "colour"}, "/stratify", "both sides"),
            (
                {"method": "train_test_split", "train_fraction": 0.9, "stratify": "colour", "shuffle": False},
                "/stratify",
                "beside shuffle false",
            ),
        ],
        ids=str,
    )
    def test_what_they_cannot_go_by(self, method, at, words):
        found = refused(self.divided(validation=method), MIXED)
        assert words in found[f"/data/split/validation{at}"].replace('"', ""), found

    def test_a_column_that_decides_is_no_feature_by_default(self):
        document = changed({"data": {"split": ...}})
        document["data"]["split"] = {"validation": {"method": "group", "column": "petal_w", "train_fraction": 0.5}}
        assert checked(document).input_shape == (3,)


class TestClassWeight:
    @pytest.mark.parametrize("weights", ["balanced", {"0": 1, "2": 0.5}, {}])
    def test_classes_may_weigh(self, weights):
        assert checked(changed({"training": {"class_weight": weights}}))

    @pytest.mark.parametrize(
        ("changes", "at", "words"),
        [
            ({"training": {"class_weight": {"3": 1}}}, "/3", "expected a class of the target (0, 1, 2)"),
            ({"training": {"class_weight": {"0": -1}}}, "/0", "at least 0"),
            ({"training": {"class_weight": "balance"}}, "", "'balanced'"),
            ({"training": {"class_weight": [1, 2]}}, "", "an object with a weight for each class"),
            ({"training": {"class_weight": "balanced"}, "data": {"sample_weight": "petal_w"}}, "", "one of them"),
        ],
    )
    def test_weights_that_no_class_has(self, changes, at, words):
        assert words in refused(changed(changes))[f"/training/class_weight{at}"]

    def test_amounts_have_no_classes(self):
        found = refused(changed(REGRESSION, {"training": {"class_weight": "balanced"}}))
        assert "of amounts" in found["/training/class_weight"]


class TestArrays:
    def test_a_pair_and_a_test_pair(self):
        document = as_arrays({"data": {"test": {"x": "x_test", "y": "y_test"}}})
        report = checked(document, MNIST)
        assert (report.input_shape, report.output_shape) == ((28, 28), (10,))
        assert (report.rows.train, report.rows.validation, report.rows.test) == (60000, 0, 10000)

    def test_a_validation_split_leaves_the_test_pair_whole(self):
        test = {"test": {"x": "x_test", "y": "y_test"}}
        split = {"split": {"validation": {"method": "last", "train_fraction": 0.9}}}
        rows = checked(as_arrays({"data": test | split}), MNIST).rows
        assert (rows.train, rows.validation, rows.test) == (54000, 6000, 10000)

    @pytest.mark.parametrize(
        ("data", "pointer", "words"),
        [
            ({"x": "x_trian"}, "/data/x", 'did you mean "x_train"'),
            ({"y": "labels"}, "/data/y", "y_train"),
            ({"y": "y_test"}, "/data/y", "as many rows"),
            ({"x": "y_train"}, "/data/x", "(rows, 1)"),
            ({"x": "words"}, "/data/x", "<U5"),
            ({"x": "alone"}, "/data/x", "single value"),
            ({"y": "x_train", "target": {"encode": "one_hot"}}, "/data/y", "whole numbers"),
            ({"normalize": {"axis": 3}}, "/data/normalize/axis", "-3 to 2"),
            ({"target": {"encode": "one_hot", "divide_by": 2}}, "/data/target/divide_by", "no size to scale"),
            ({"sample_weight": "y_test"}, "/data/sample_weight", "60000 rows"),
            (
                {"split": {"test": {"method": "group", "column": "x_train", "train_fraction": 0.5}}},
                "/data/split/test/column",
                "one number for each",
            ),
            ({"test": {"x": "x_test", "y": "nope"}}, "/data/test/y", '"nope"'),
            ({"test": {"x": "x_train", "y": "y_test"}}, "/data/test/y", "as many rows"),
            ({"test": {"x": "small", "y": "y_test"}}, "/data/test/x", "[28, 28]"),
            (
                {"test": {"x": "x_test", "y": "y_more"}, "target": {"encode": "one_hot"}},
                "/data/test/y",
                "received 10",
            ),
            (
                {"test": {"x": "x_test", "y": "y_test"}, "split": {"test": {"method": "last", "train_fraction": 0.5}}},
                "/data/split/test",
                "one way",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_the_arrays_do_not_give(self, data, pointer, words):
        more = ArraysDescription(
            arrays=[
                *MNIST.arrays,
                array("words", [60000, 2], "<U5"),
                array("alone", []),
                array("small", [10000, 14, 14]),
                array("y_more", [10000], "int64", categories=[3, 10]),
            ]
        )
        found = refused(as_arrays({"data": data}), more)
        assert words in found[pointer], found


def test_arrays_and_tables_are_not_mixed_up():
    assert "x_train" in refused(changed({}), MNIST)["/data"]
    assert "table" in refused(as_arrays(), IRIS)["/data"]


def test_an_empty_table_is_refused():
    assert refused(changed({}), TableDescription(rows=0, columns=[]))
