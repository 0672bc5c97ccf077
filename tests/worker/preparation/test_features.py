"""Columns made into inputs, held against pandas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

from service.datasets import dataset_source
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file
from stackyard.spec import TableDescription, check
from tests.worker.preparation.promised import BUILTINS, MEMORY, prepare_as_promised, spec_of
from worker.preparation import PreparationError, prepare
from worker.preparation.transforms.features import FittedTable


def test_without_groups_every_other_column_is_taken_as_it_is(table, mixed):
    made = table(mixed[["size", "price", "count"]], {"target": {"column": "price"}})
    assert made.x_train.tolist() == mixed[["size", "count"]].to_numpy("float32").tolist()
    assert made.y_train.tolist() == mixed["price"].to_numpy("float32").tolist()


def test_the_transforms_are_scikit_learns_fitted_on_the_training_rows(table, mixed):
    groups = [
        {"columns": ["colour"], "transform": "one_hot"},
        {"columns": ["size"], "transform": "minmax"},
        {"columns": ["count", "size"][:1], "transform": "standard"},
    ]
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    made = table(mixed, {"target": {"column": "price"}, "features": groups, "split": split})
    train = mixed.sample(frac=0.7, random_state=1)
    for rows, x in ((train, made.x_train), (mixed.drop(train.index), made.x_validation)):
        expected = np.concatenate(
            [
                OneHotEncoder(sparse_output=False).fit(mixed[["colour"]]).transform(rows[["colour"]]),
                MinMaxScaler().fit(train[["size"]]).transform(rows[["size"]]),
                StandardScaler().fit(train[["count"]]).transform(rows[["count"]]),
            ],
            axis=1,
        ).astype("float32")
        assert np.array_equal(x, expected)


@pytest.mark.parametrize(
    ("transform", "scikit_learns"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
        ("l2", Normalizer()),
    ],
)
def test_a_transform_is_scikit_learns_and_survives_its_storage(transform, scikit_learns, table, mixed):
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    features = [{"columns": ["size", "count"], "transform": transform}]
    made = table(mixed, {"target": {"column": "price"}, "features": features, "split": split})
    train = mixed.sample(frac=0.7, random_state=1)[["size", "count"]]
    rest = mixed.drop(train.index)[["size", "count"]]
    assert np.array_equal(made.x_train, scikit_learns.fit_transform(train).astype("float32"))
    stored = FittedTable.model_validate_json(made.inputs.model_dump_json())
    assert np.array_equal(stored.apply(rest), scikit_learns.transform(rest).astype("float32"))


def test_categories_are_scikit_learns_and_unknown_ones_stand_aside(table, mixed):
    features = [
        {"columns": ["colour", "count"], "transform": "ordinal"},
        {"columns": ["kind"], "transform": "one_hot"},
    ]
    frame = mixed.assign(kind=mixed["size"] > 5)
    made = table(frame, {"target": {"column": "price"}, "features": features})
    ordinal = OrdinalEncoder().fit_transform(frame[["colour", "count"]])
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(frame[["kind"]])
    assert np.array_equal(made.x_train, np.concatenate([ordinal, one_hot], axis=1).astype("float32"))
    other = pd.DataFrame({"colour": ["mauve"], "count": [99], "kind": [True]})
    assert made.inputs.apply(other).tolist() == [[-1, -1, 0, 1]]


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", {"strategy": "constant", "fill_value": 7}])
def test_holes_are_filled_as_scikit_learn_fills_them(strategy, table, mixed):
    holes = mixed.assign(size=mixed["size"].mask(mixed.index % 7 == 0), count=mixed["count"].mask(mixed.index == 5))
    split = {"validation": {"method": "last", "train_fraction": 0.7}}
    features = [{"columns": ["size", "count"], "transform": "standard"}]
    made = table(holes, {"target": {"column": "price"}, "features": features, "split": split, "impute": strategy})
    said = strategy if isinstance(strategy, dict) else {"strategy": strategy}
    numbers = holes[["size", "count"]]
    imputer = SimpleImputer(**said).fit(numbers[:28])
    expected = StandardScaler().fit(imputer.transform(numbers[:28])).transform(imputer.transform(numbers))
    assert np.array_equal(np.concatenate([made.x_train, made.x_validation]), expected.astype("float32"))


def test_text_is_filled_with_what_is_most_frequent_in_training(table):
    frame = pd.DataFrame({"kind": ["b", "b", "a", None, "a", "a"], "y": np.arange(6.0)})
    split = {"validation": {"method": "last", "train_fraction": 0.5}}
    features = [{"columns": ["kind"], "transform": "one_hot", "impute": "most_frequent"}]
    made = table(frame, {"target": {"column": "y"}, "features": features, "split": split})
    assert made.x_validation.tolist() == [[0, 1], [1, 0], [1, 0]]


def test_only_the_columns_that_are_listed_leave_out_rows(table, mixed):
    holes = mixed.assign(size=mixed["size"].mask(mixed.index == 3), price=mixed["price"].mask(mixed.index == 5))
    features = [{"columns": ["size"], "impute": "mean"}]
    data = {"target": {"column": "price"}, "features": features, "drop_missing": ["price"]}
    made = table(holes, data)
    left = holes.dropna(subset=["price"])
    assert made.y_train.tolist() == left["price"].to_numpy("float32").tolist()
    assert np.array_equal(made.x_train, SimpleImputer().fit_transform(left[["size"]]).astype("float32"))


def test_columns_with_another_task_are_no_features_by_default(table, mixed):
    frame = mixed[["size", "count", "price"]].assign(weight=1.0, who=["a", "b"] * 20)
    split = {"validation": {"method": "group", "column": "who", "train_fraction": 0.5, "seed": 0}}
    made = table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
    assert made.x_train.shape == (20, 2)


def test_a_column_with_nothing_to_impute_from_is_refused(table):
    frame = pd.DataFrame({"x": [np.nan, np.nan, 1.0], "y": [1.0, 2.0, 3.0]})
    split = {"validation": {"method": "last", "train_fraction": 0.7}}
    with pytest.raises(PreparationError, match="no value among the training rows"):
        table(frame, {"target": {"column": "y"}, "impute": "mean", "split": split})


def test_a_category_that_only_validation_has_keeps_its_place(table):
    frame = pd.DataFrame({"kind": ["a", "a", "a", "b"], "y": [1.0, 2.0, 3.0, 4.0]})
    split = {"validation": {"method": "last", "train_fraction": 0.75}}
    groups = [{"columns": ["kind"], "transform": "one_hot"}]
    made = table(frame, {"target": {"column": "y"}, "features": groups, "split": split})
    assert made.x_train.tolist() == [[1, 0]] * 3
    assert made.x_validation.tolist() == [[0, 1]]


def test_rows_that_lack_a_value_in_any_column_leave_before_the_split(table, mixed):
    holes = mixed.assign(size=mixed["size"].mask(mixed.index % 7 == 0), spare=mixed["size"].mask(mixed.index == 5))
    split = {"validation": {"method": "random", "train_fraction": 0.5, "seed": 2}}
    data = {
        "target": {"column": "price"},
        "features": [{"columns": ["count"]}],
        "drop_missing": True,
        "split": split,
    }
    made = table(holes, data)
    left = holes.dropna()
    train = left.sample(frac=0.5, random_state=2)
    assert made.x_train[:, 0].tolist() == train["count"].tolist()
    assert made.x_validation[:, 0].tolist() == left.drop(train.index)["count"].tolist()


def test_a_table_in_which_every_row_lacks_something_is_refused(tmp_path):
    path = tmp_path / "holes.csv"
    path.write_text("a,b,y\n1,,1\n,2,2\n")
    description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
    spec = spec_of({"dataset": "holes", "target": {"column": "y"}, "drop_missing": True})
    with pytest.raises(PreparationError, match="drop_missing leaves none"):
        prepare(spec, description, FileSource(path, dataset_source.CSV), check(spec, description).task)


def test_a_number_too_large_for_float32_is_refused(table):
    frame = pd.DataFrame({"x": [1.0, 1e300], "y": [0.0, 1.0]})
    with pytest.raises(PreparationError, match="features have values"):
        table(frame, {"target": {"column": "y"}})


def test_the_built_in_tables_are_prepared_in_their_order():
    spec = spec_of({"dataset": "builtin:breast_cancer", "target": {"column": "target"}})
    made = prepare_as_promised(spec, BUILTINS["breast_cancer"], BuiltinSource("breast_cancer"))
    assert np.array_equal(made.x_train, load_breast_cancer().data.astype("float32"))
