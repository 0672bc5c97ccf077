"""Check the data section of a spec against the description of the dataset."""

import pytest

from stackyard.spec import ArraysDescription, TableDescription
from tests.spec.documents import (
    IRIS,
    MNIST,
    REGRESSION,
    apply_changes,
    build_array,
    build_array_spec,
    build_column,
    build_label_column,
    build_table,
    check_document,
    collect_faults,
)

MIXED_TABLE = build_table(
    build_column("size"),
    build_column("count", "integer", categories=[1, 2, 3, 4], minimum=1, maximum=4),
    build_column("colour", "text", categories=["blue", "green", "red"]),
    build_column("id", "text"),
    build_column("holes", missing=3),
    build_column("bare", "text", categories=[]),
    build_column("price", maximum=1000),
    build_column("weight", minimum=-1),
    build_column("gaps", "text", missing=2, categories=["a", "b"]),
    build_column("set", "text", categories=["test", "train"]),
)


def regress_price(*groups, **data):
    """Return a document of a regression on the price from these groups of features, `(columns, transform)`."""
    features = (
        {"features": [{"columns": columns, "transform": transform} for columns, transform in groups]} if groups else {}
    )
    return apply_changes(REGRESSION, {"data": {"target": {"column": "price"}, **features, **data}})


def test_an_input_row_has_a_value_for_each_number_and_category():
    report = check_document(regress_price((["size", "count"], "standard"), (["colour"], "one_hot")), MIXED_TABLE)
    assert report.input_shape == (5,)


@pytest.mark.parametrize(("transform", "width"), [("one_hot", 3), ("ordinal", 1)])
def test_a_constant_that_fills_missing_values_may_be_a_new_category(transform, width):
    impute = {"strategy": "constant", "fill_value": "none"}
    assert check_document(regress_price((["gaps"], transform), impute=impute), MIXED_TABLE).input_shape == (width,)
    dropped = regress_price((["gaps"], "one_hot"), impute=impute, drop_missing=["gaps"])
    assert check_document(dropped, MIXED_TABLE).input_shape == (2,)
    known = regress_price((["gaps"], "one_hot"), impute=impute | {"fill_value": "a"})
    assert check_document(known, MIXED_TABLE).input_shape == (2,)


def test_faults_of_short_forms_are_at_the_short_values():
    document = apply_changes({"data": {"features": ["sepal_l", "petal"], "target": "targte"}})
    faults = collect_faults(document)
    assert faults.keys() == {"/data/features/1", "/data/target"}
    assert 'did you mean "target"' in faults["/data/target"]


def test_every_column_but_the_target_is_a_feature_by_default():
    assert check_document(apply_changes({})).input_shape == (4,)
    assert check_document(apply_changes(REGRESSION)).input_shape == (4,)


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        (regress_price((["sizes"], "none")), "/data/features/0/columns/0", 'did you mean "size"'),
        (regress_price((["size"], "none"), (["count", "x"], "none")), "/data/features/1/columns/1", 'received "x"'),
        (regress_price((["size", "size"], "none")), "/data/features/0/columns/1", "once"),
        (regress_price((["count"], "none"), (["count"], "one_hot")), "/data/features/1/columns/0", "once"),
        (regress_price((["size", "price"], "none")), "/data/features/0/columns/1", "no target among"),
        (regress_price((["colour"], "standard")), "/data/features/0/columns/0", "one_hot"),
        (regress_price((["id"], "one_hot")), "/data/features/0/columns/0", "1000"),
        (regress_price((["size"], "one_hot")), "/data/features/0/columns/0", "fractions"),
        (regress_price((["bare"], "one_hot")), "/data/features/0/columns/0", "no value at all"),
        (regress_price((["holes"], "none")), "/data/features/0/columns/0", "drop_missing"),
        (regress_price((["holes"], "none")), "/data/features/0/columns/0", '"impute"'),
        (regress_price((["id"], "ordinal")), "/data/features/0/columns/0", "1000"),
        (regress_price((["colour"], "l2")), "/data/features/0/columns/0", "ordinal"),
        (
            regress_price((["gaps"], "one_hot"), impute="mean"),
            "/data/impute",
            '"most_frequent" or a "constant" for "gaps"',
        ),
        (
            regress_price((["gaps"], "one_hot"), impute={"strategy": "constant", "fill_value": 1}),
            "/data/impute",
            "a fill_value that is a string",
        ),
        (
            regress_price((["holes"], "none"), impute={"strategy": "constant", "fill_value": "none"}),
            "/data/impute",
            "a fill_value that is a number",
        ),
        (
            regress_price((["size"], "none"), drop_missing=["size", "sise"]),
            "/data/drop_missing/1",
            'did you mean "size"',
        ),
        (
            regress_price((["size", "holes"], "none"), drop_missing=["size"]),
            "/data/features/0/columns/1",
            "drop_missing",
        ),
        (regress_price((["size"], "none"), sample_weight="colour"), "/data/sample_weight", "numbers"),
        (regress_price((["size"], "none"), sample_weight="weight"), "/data/sample_weight", "at least 0"),
        (
            regress_price((["size"], "none"), sample_weight="price"),
            "/data/sample_weight",
            "another column than the target",
        ),
        (regress_price((["size"], "none"), sample_weight="x"), "/data/sample_weight", 'received "x"'),
        (regress_price(), "/data", "text"),
        (regress_price((["size"], "none"), target={"column": "prise"}), "/data/target/column", 'did you mean "price"'),
        (regress_price((["size"], "none"), target={"column": "holes"}), "/data/target/column", "drop_missing"),
        (
            regress_price((["size"], "none"), target={"column": ["price", "x"]}),
            "/data/target/column/1",
            'received "x"',
        ),
        (regress_price((["size"], "none"), target={"column": ["price", "colour"]}), "/data/target/column/1", "text"),
        (regress_price((["size"], "none"), target={"column": ["price", "price"]}), "/data/target/column", "once"),
        (
            regress_price((["size"], "none"), target={"column": "price", "encode": "one_hot"}),
            "/data/target/column",
            "1000",
        ),
        (
            regress_price((["size"], "none"), target={"column": ["price", "count"], "encode": "one_hot"}),
            "/data/target/encode",
            "one target column",
        ),
        (
            regress_price((["size"], "none"), target={"column": "colour", "divide_by": 2}),
            "/data/target/divide_by",
            "text target",
        ),
        (
            regress_price((["size"], "none"), target={"column": "count", "encode": "one_hot", "standard": True}),
            "/data/target/standard",
            "one-hot",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_points_at_the_argument_that_the_table_does_not_fit(document, pointer, words):
    faults = collect_faults(document, MIXED_TABLE)
    assert words in faults[pointer], faults


def test_a_dataset_with_only_the_target_has_no_features():
    assert "feature" in collect_faults(apply_changes(REGRESSION), build_table(build_column("petal_w")))["/data"]


@pytest.mark.parametrize("strategy", ["mean", "most_frequent"])
def test_a_column_without_any_value_cannot_be_imputed(strategy):
    dataset = build_table(build_column("size", missing=150), build_column("price"))
    document = regress_price((["size"], "none"), impute=strategy)
    assert "received none in all rows" in collect_faults(document, dataset)["/data/features/0/columns/0"]
    constant = {"strategy": "constant", "fill_value": 0}
    assert check_document(regress_price((["size"], "none"), impute=constant), dataset)


ITEMS = build_table(
    build_column("item", "integer", minimum=0, maximum=5, categories=list(range(6))),
    build_column("share", minimum=0.5, maximum=1),
    build_column("holes", "integer", missing=3, minimum=0, maximum=5),
    build_column("price"),
)


def look_up(group, *layers, **data):
    embedding = {"type": "Embedding", "input_dim": 6, "output_dim": 2}
    network = {"network": {"layers": [*layers, embedding, "Flatten", {"type": "Dense", "units": 1}]}}
    return apply_changes(regress_price(group, **data), network)


class TestLookups:
    """Inputs of an Embedding."""

    @pytest.mark.parametrize("transform", ["standard", "minmax", "robust", "l2"])
    @pytest.mark.parametrize("layers", [[], [{"type": "Reshape", "target_shape": [1]}]])
    def test_scaled_features_are_refused(self, transform, layers):
        faults = collect_faults(look_up((["item"], transform), *layers), ITEMS)
        assert f'received features that "{transform}" scales' in faults["/data/features/0/transform"]

    @pytest.mark.parametrize(
        ("group", "data", "pointer"),
        [
            ((["share"], "none"), {}, "/data/features/0/columns/0"),
            ((["holes"], "none"), {"impute": "mean"}, "/data/impute"),
        ],
    )
    def test_fractions_are_refused(self, group, data, pointer):
        assert "received" in collect_faults(look_up(group, **data), ITEMS)[pointer]

    @pytest.mark.parametrize(("transform", "data"), [("none", {}), ("ordinal", {}), ("none", {"impute": "mean"})])
    def test_whole_numbers_within_the_vocabulary_are_accepted(self, transform, data):
        assert check_document(look_up((["item"], transform), **data), ITEMS)

    def test_a_vocabulary_too_small_is_refused_behind_a_layer_that_keeps_values(self):
        document = look_up((["item"], "none"), {"type": "RepeatVector", "n": 2})
        document["network"]["layers"][1]["input_dim"] = 5
        faults = collect_faults(document, ITEMS)
        assert "set input_dim to 6" in faults["/network/layers/1/input_dim"]

    def test_normalized_and_large_arrays_are_refused(self):
        layers = ["Flatten", {"type": "Embedding", "input_dim": 256, "output_dim": 2}, "Flatten"]
        network = {"network": {"layers": [*layers, {"type": "Dense", "units": 10, "activation": "softmax"}]}}
        assert check_document(build_array_spec(network), MNIST)
        assert "/data/normalize" in collect_faults(build_array_spec(network, {"data": {"normalize": {}}}), MNIST)
        test = build_array("x_test", [10000, 28, 28], "uint8", minimum=0, maximum=256)
        dataset = ArraysDescription(arrays=[*MNIST.arrays[:2], test, MNIST.arrays[3]])
        faults = collect_faults(build_array_spec(network, {"data": {"test": {"x": "x_test", "y": "y_test"}}}), dataset)
        assert "/network/layers/1/input_dim" in faults


class TestRowCounts:
    def count_rows(self, dataset=IRIS, **data):
        return check_document(apply_changes({"data": {"split": ...}}, {"data": data}), dataset).rows

    def test_without_a_split_all_rows_train(self):
        rows = self.count_rows()
        assert (rows.train, rows.validation, rows.test) == (150, 0, 0)

    @pytest.mark.parametrize(("method", "train"), [("random", 75), ("train_test_split", 75), ("last", 75)])
    def test_half_of_the_rows_train(self, method, train):
        rows = self.count_rows(split={"validation": {"method": method, "train_fraction": 0.5}})
        assert (rows.train, rows.validation) == (train, 150 - train)

    def test_the_random_method_rounds_and_the_others_truncate(self):
        dataset = IRIS.model_copy(update={"rows": 11})
        assert self.count_rows(dataset, split={"test": {"method": "random", "train_fraction": 0.7}}).train == 8
        assert self.count_rows(dataset, split={"test": {"method": "last", "train_fraction": 0.7}}).train == 7

    def test_the_test_set_is_split_off_first(self):
        split = {part: {"method": "last", "train_fraction": 0.8} for part in ("test", "validation")}
        rows = self.count_rows(split=split)
        assert (rows.train, rows.validation, rows.test) == (96, 24, 30)

    def test_steps_include_the_last_smaller_batch(self):
        assert check_document(apply_changes({"training": {"batch_size": 50}})).steps_per_epoch == 3
        assert check_document(apply_changes({"training": {"batch_size": 119}})).steps_per_epoch == 2

    def test_row_counts_are_unknown_if_several_columns_have_missing_values(self):
        holes = [build_column("a", missing=3), build_column("b", missing=4), build_label_column("target", [0, 1, 2])]
        report = check_document(apply_changes({"data": {"drop_missing": True}}), build_table(*holes))
        assert (report.rows.train, report.rows.validation, report.steps_per_epoch) == (None, None, None)

    def test_row_counts_are_known_if_one_column_has_missing_values(self):
        dataset = build_table(build_column("a", missing=50), build_label_column("target", [0, 1, 2]))
        assert self.count_rows(dataset, drop_missing=True).train == 100

    @pytest.mark.parametrize("part", ["test", "validation"])
    @pytest.mark.parametrize("fraction", [0.001, 0.999])
    def test_a_split_that_leaves_no_rows_is_refused(self, part, fraction):
        split = {part: {"method": "random", "train_fraction": fraction}}
        faults = collect_faults(apply_changes({"data": {"split": ...}}, {"data": {"split": split}}))
        assert "at least 1" in faults[f"/data/split/{part}/train_fraction"]

    def test_a_dataset_without_rows_is_refused(self):
        assert "/data" in collect_faults(apply_changes({"data": {"split": ...}}), IRIS.model_copy(update={"rows": 0}))

    def test_a_column_without_any_value_leaves_no_rows(self):
        dataset = build_table(build_column("a", missing=150), build_label_column("target", [0, 1, 2]))
        assert "/data/drop_missing" in collect_faults(apply_changes({"data": {"drop_missing": True}}), dataset)


class TestSplitsByColumn:
    """Splits that read a column."""

    def build_document(self, **split):
        return regress_price((["size"], "none")) | {
            "data": {**regress_price((["size"], "none"))["data"], "split": split}
        }

    def test_row_counts_are_unknown_until_the_rows_are_read(self):
        test = {"method": "column", "column": "set", "values": ["test"]}
        validation = {"method": "group", "column": "id", "train_fraction": 0.5}
        rows = check_document(self.build_document(test=test, validation=validation), MIXED_TABLE).rows
        assert (rows.train, rows.validation, rows.test) == (None, None, None)

    def test_a_stratified_split_has_row_counts(self):
        test = {"method": "train_test_split", "train_fraction": 0.8, "stratify": "colour"}
        rows = check_document(self.build_document(test=test), MIXED_TABLE).rows
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
                "when shuffle is false",
            ),
        ],
        ids=str,
    )
    def test_an_unsuitable_column_is_refused(self, method, at, words):
        faults = collect_faults(self.build_document(validation=method), MIXED_TABLE)
        assert words in faults[f"/data/split/validation{at}"].replace('"', ""), faults

    def test_a_value_of_one_row_cannot_be_stratified(self):
        kind = build_column("kind", "text", categories=["a", "b"], rarest_category="b", rarest_rows=1)
        dataset = build_table(build_column("size"), build_column("price"), kind)
        test = {"method": "train_test_split", "train_fraction": 0.8, "stratify": "kind"}
        faults = collect_faults(self.build_document(test=test), dataset)
        assert 'received one row of "b"' in faults["/data/split/test/stratify"]

    @pytest.mark.parametrize(
        ("test", "validation", "at", "words"),
        [
            (
                {"method": "group", "column": "set", "train_fraction": 0.5},
                {"method": "group", "column": "set", "train_fraction": 0.5},
                "/train_fraction",
                "of 1 groups",
            ),
            (
                {"method": "column", "column": "count", "values": [1]},
                {"method": "column", "column": "count", "values": [1]},
                "/values",
                "only values of the test set",
            ),
            (
                {"method": "column", "column": "set", "values": ["test"]},
                {"method": "column", "column": "set", "values": ["train"]},
                "/values",
                "received all of them",
            ),
        ],
    )
    def test_the_test_set_leaves_enough_groups_and_values(self, test, validation, at, words):
        faults = collect_faults(self.build_document(test=test, validation=validation), MIXED_TABLE)
        assert words in faults[f"/data/split/validation{at}"], faults

    def test_the_column_of_a_split_is_no_feature_by_default(self):
        document = apply_changes({"data": {"split": ...}})
        document["data"]["split"] = {"validation": {"method": "group", "column": "petal_w", "train_fraction": 0.5}}
        assert check_document(document).input_shape == (3,)


class TestClassWeight:
    @pytest.mark.parametrize("weights", ["balanced", {"0": 1, "2": 0.5}, {}])
    def test_weights_of_known_classes_are_accepted(self, weights):
        assert check_document(apply_changes({"training": {"class_weight": weights}}))

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
    def test_unsuitable_weights_are_refused(self, changes, at, words):
        assert words in collect_faults(apply_changes(changes))[f"/training/class_weight{at}"]

    def test_a_regression_has_no_classes_to_weigh(self):
        faults = collect_faults(apply_changes(REGRESSION, {"training": {"class_weight": "balanced"}}))
        assert "of amounts" in faults["/training/class_weight"]


class TestArrays:
    def test_a_test_pair_is_the_test_set(self):
        document = build_array_spec({"data": {"test": {"x": "x_test", "y": "y_test"}}})
        report = check_document(document, MNIST)
        assert (report.input_shape, report.output_shape) == ((28, 28), (10,))
        assert (report.rows.train, report.rows.validation, report.rows.test) == (60000, 0, 10000)

    def test_a_validation_split_does_not_change_the_test_pair(self):
        test = {"test": {"x": "x_test", "y": "y_test"}}
        split = {"split": {"validation": {"method": "last", "train_fraction": 0.9}}}
        rows = check_document(build_array_spec({"data": test | split}), MNIST).rows
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
            ({"test": {"x": "x_test", "y": "y_more"}, "target": {"encode": "one_hot"}}, "/data/test/y", "received 10"),
            (
                {"test": {"x": "x_test", "y": "y_test"}, "split": {"test": {"method": "last", "train_fraction": 0.5}}},
                "/data/split/test",
                "one way",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_fault_points_at_the_argument_that_the_arrays_do_not_fit(self, data, pointer, words):
        dataset = ArraysDescription(
            arrays=[
                *MNIST.arrays,
                build_array("words", [60000, 2], "<U5"),
                build_array("alone", []),
                build_array("small", [10000, 14, 14]),
                build_array("y_more", [10000], "int64", categories=[3, 10]),
            ]
        )
        faults = collect_faults(build_array_spec({"data": data}), dataset)
        assert words in faults[pointer], faults


def test_a_spec_for_another_kind_of_dataset_is_refused():
    assert "x_train" in collect_faults(apply_changes({}), MNIST)["/data"]
    assert "table" in collect_faults(build_array_spec(), IRIS)["/data"]


def test_an_empty_table_is_refused():
    assert collect_faults(apply_changes({}), TableDescription(rows=0, columns=[]))
