"""Inputs from table columns, compared with pandas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

from service.datasets import dataset_source
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file
from stackyard.spec import TableDescription, check_spec
from tests.worker.preparation.checked_preparation import BUILTINS, MEMORY, build_spec, prepare_and_check
from worker.preparation import PreparationError, prepare_data
from worker.preparation.transforms.features import FittedTable


def test_without_features_all_other_columns_are_inputs(prepare_table, mixed_frame):
    prepared = prepare_table(mixed_frame[["size", "price", "count"]], {"target": {"column": "price"}})
    assert prepared.x_train.tolist() == mixed_frame[["size", "count"]].to_numpy("float32").tolist()
    assert prepared.y_train.tolist() == mixed_frame["price"].to_numpy("float32").tolist()


def test_transforms_are_fitted_on_the_training_rows(prepare_table, mixed_frame):
    groups = [
        {"columns": ["colour"], "transform": "one_hot"},
        {"columns": ["size"], "transform": "minmax"},
        {"columns": ["count", "size"][:1], "transform": "standard"},
    ]
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    prepared = prepare_table(mixed_frame, {"target": {"column": "price"}, "features": groups, "split": split})
    train = mixed_frame.sample(frac=0.7, random_state=1)
    for rows, x in ((train, prepared.x_train), (mixed_frame.drop(train.index), prepared.x_validation)):
        expected = np.concatenate(
            [
                OneHotEncoder(sparse_output=False).fit(mixed_frame[["colour"]]).transform(rows[["colour"]]),
                MinMaxScaler().fit(train[["size"]]).transform(rows[["size"]]),
                StandardScaler().fit(train[["count"]]).transform(rows[["count"]]),
            ],
            axis=1,
        ).astype("float32")
        assert np.array_equal(x, expected)


@pytest.mark.parametrize(
    ("transform", "reference"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
        ("l2", Normalizer()),
    ],
)
def test_transforms_equal_scikit_learns_and_can_be_reloaded(transform, reference, prepare_table, mixed_frame):
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    features = [{"columns": ["size", "count"], "transform": transform}]
    prepared = prepare_table(mixed_frame, {"target": {"column": "price"}, "features": features, "split": split})
    train = mixed_frame.sample(frac=0.7, random_state=1)[["size", "count"]]
    rest = mixed_frame.drop(train.index)[["size", "count"]]
    assert np.array_equal(prepared.x_train, reference.fit_transform(train).astype("float32"))
    stored = FittedTable.model_validate_json(prepared.inputs.model_dump_json())
    assert np.array_equal(stored.apply(rest), reference.transform(rest).astype("float32"))


def test_encodings_equal_scikit_learns_and_take_unknown_categories(prepare_table, mixed_frame):
    features = [
        {"columns": ["colour", "count"], "transform": "ordinal"},
        {"columns": ["kind"], "transform": "one_hot"},
    ]
    frame = mixed_frame.assign(kind=mixed_frame["size"] > 5)
    prepared = prepare_table(frame, {"target": {"column": "price"}, "features": features})
    ordinal = OrdinalEncoder().fit_transform(frame[["colour", "count"]])
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(frame[["kind"]])
    assert np.array_equal(prepared.x_train, np.concatenate([ordinal, one_hot], axis=1).astype("float32"))
    other = pd.DataFrame({"colour": ["mauve"], "count": [99], "kind": [True]})
    assert prepared.inputs.apply(other).tolist() == [[-1, -1, 0, 1]]


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", {"strategy": "constant", "fill_value": 7}])
def test_imputation_equals_scikit_learns(strategy, prepare_table, mixed_frame):
    incomplete = mixed_frame.assign(
        size=mixed_frame["size"].mask(mixed_frame.index % 7 == 0),
        count=mixed_frame["count"].mask(mixed_frame.index == 5),
    )
    split = {"validation": {"method": "last", "train_fraction": 0.7}}
    features = [{"columns": ["size", "count"], "transform": "standard"}]
    prepared = prepare_table(
        incomplete, {"target": {"column": "price"}, "features": features, "split": split, "impute": strategy}
    )
    arguments = strategy if isinstance(strategy, dict) else {"strategy": strategy}
    numbers = incomplete[["size", "count"]]
    imputer = SimpleImputer(**arguments).fit(numbers[:28])
    expected = StandardScaler().fit(imputer.transform(numbers[:28])).transform(imputer.transform(numbers))
    assert np.array_equal(np.concatenate([prepared.x_train, prepared.x_validation]), expected.astype("float32"))


def test_text_is_imputed_with_the_most_frequent_training_value(prepare_table):
    frame = pd.DataFrame({"kind": ["b", "b", "a", None, "a", "a"], "y": np.arange(6.0)})
    split = {"validation": {"method": "last", "train_fraction": 0.5}}
    features = [{"columns": ["kind"], "transform": "one_hot", "impute": "most_frequent"}]
    prepared = prepare_table(frame, {"target": {"column": "y"}, "features": features, "split": split})
    assert prepared.x_validation.tolist() == [[0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize("transform", ["one_hot", "ordinal"])
def test_missing_values_are_a_category_of_their_own(transform, prepare_table):
    frame = pd.DataFrame({"kind": ["b", "c", "a", None, "a", None], "y": np.arange(6.0)})
    split = {"validation": {"method": "last", "train_fraction": 0.5}}
    features = [
        {"columns": ["kind"], "transform": transform, "impute": {"strategy": "constant", "fill_value": "both"}}
    ]
    prepared = prepare_table(frame, {"target": {"column": "y"}, "features": features, "split": split})
    encoder = {"one_hot": OneHotEncoder(sparse_output=False), "ordinal": OrdinalEncoder()}[transform]
    expected = encoder.fit_transform(frame[["kind"]].fillna("both"))
    assert np.array_equal(np.concatenate([prepared.x_train, prepared.x_validation]), expected)
    assert np.array_equal(prepared.inputs.apply(frame[3:4]), expected[3:4])


def test_rows_are_dropped_for_listed_columns_only(prepare_table, mixed_frame):
    incomplete = mixed_frame.assign(
        size=mixed_frame["size"].mask(mixed_frame.index == 3), price=mixed_frame["price"].mask(mixed_frame.index == 5)
    )
    features = [{"columns": ["size"], "impute": "mean"}]
    data = {"target": {"column": "price"}, "features": features, "drop_missing": ["price"]}
    prepared = prepare_table(incomplete, data)
    complete = incomplete.dropna(subset=["price"])
    assert prepared.y_train.tolist() == complete["price"].to_numpy("float32").tolist()
    assert np.array_equal(prepared.x_train, SimpleImputer().fit_transform(complete[["size"]]).astype("float32"))


def test_columns_used_elsewhere_are_no_features_by_default(prepare_table, mixed_frame):
    frame = mixed_frame[["size", "count", "price"]].assign(weight=1.0, who=["a", "b"] * 20)
    split = {"validation": {"method": "group", "column": "who", "train_fraction": 0.5, "seed": 0}}
    prepared = prepare_table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
    assert prepared.x_train.shape == (20, 2)


def test_imputation_without_training_values_is_an_error(prepare_table):
    frame = pd.DataFrame({"x": [np.nan, np.nan, 1.0], "y": [1.0, 2.0, 3.0]})
    split = {"validation": {"method": "last", "train_fraction": 0.7}}
    with pytest.raises(PreparationError, match="no value among the training rows"):
        prepare_table(frame, {"target": {"column": "y"}, "impute": "mean", "split": split})


def test_a_category_of_the_validation_rows_only_has_its_own_input(prepare_table):
    frame = pd.DataFrame({"kind": ["a", "a", "a", "b"], "y": [1.0, 2.0, 3.0, 4.0]})
    split = {"validation": {"method": "last", "train_fraction": 0.75}}
    groups = [{"columns": ["kind"], "transform": "one_hot"}]
    prepared = prepare_table(frame, {"target": {"column": "y"}, "features": groups, "split": split})
    assert prepared.x_train.tolist() == [[1, 0]] * 3
    assert prepared.x_validation.tolist() == [[0, 1]]


def test_rows_with_missing_values_are_dropped_before_the_split(prepare_table, mixed_frame):
    incomplete = mixed_frame.assign(
        size=mixed_frame["size"].mask(mixed_frame.index % 7 == 0),
        spare=mixed_frame["size"].mask(mixed_frame.index == 5),
    )
    split = {"validation": {"method": "random", "train_fraction": 0.5, "seed": 2}}
    data = {
        "target": {"column": "price"},
        "features": [{"columns": ["count"]}],
        "drop_missing": True,
        "split": split,
    }
    prepared = prepare_table(incomplete, data)
    complete = incomplete.dropna()
    train = complete.sample(frac=0.5, random_state=2)
    assert prepared.x_train[:, 0].tolist() == train["count"].tolist()
    assert prepared.x_validation[:, 0].tolist() == complete.drop(train.index)["count"].tolist()


def test_dropping_every_row_is_an_error(tmp_path):
    path = tmp_path / "holes.csv"
    path.write_text("a,b,y\n1,,1\n,2,2\n")
    document = csv_file.describe_csv(path, MEMORY) | {"missing_rows": None}  # as in an earlier release
    description = TableDescription.model_validate(document)
    spec = build_spec({"dataset": "holes", "target": {"column": "y"}, "drop_missing": True})
    with pytest.raises(PreparationError, match="drop_missing leaves none"):
        prepare_data(spec, description, FileSource(path, dataset_source.CSV), check_spec(spec, description).task)


def test_a_number_too_large_for_float32_is_an_error(prepare_table):
    frame = pd.DataFrame({"x": [1.0, 1e300], "y": [0.0, 1.0]})
    with pytest.raises(PreparationError, match="features have values"):
        prepare_table(frame, {"target": {"column": "y"}})


def test_built_in_tables_keep_their_order():
    spec = build_spec({"dataset": "builtin:breast_cancer", "target": {"column": "target"}})
    prepared = prepare_and_check(spec, BUILTINS["breast_cancer"], BuiltinSource("breast_cancer"))
    assert np.array_equal(prepared.x_train, load_breast_cancer().data.astype("float32"))
