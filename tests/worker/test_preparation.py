"""Rows made into arrays, held against pandas, scikit-learn and Keras themselves."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.class_weight import compute_class_weight

from service import sources
from service.builtins import load
from service.inspection import csv_file, npz_file
from service.sources import BuiltinSource, FileSource
from stackyard.spec import (
    ArraysDescription,
    ColumnSplit,
    GroupSplit,
    LastSplit,
    RandomSplit,
    Split,
    TableDescription,
    TrainTestSplit,
    check,
    parse,
)
from tests.conftest import shared
from tests.factories import iris_spec
from worker.preparation import PreparationError, prepare
from worker.preparation.features import FittedTable
from worker.preparation.splits import divide, split_rows
from worker.preparation.targets import FittedTarget

_MEMORY = 2**30
BUILTINS = {entry.name: TableDescription.model_validate(entry.description) for entry in load()}


def spec_of(data, outputs=1, loss="mse", **more):
    """A spec on `data` that `stackyard.spec.check` can be asked about."""
    layers = [{"type": "Flatten"}, {"type": "Dense", "units": outputs}]
    training = {"loss": loss, "metrics": [], "seed": 0, **more}
    return parse(json.dumps(iris_spec(data=data, network={"layers": layers}, training=training)).encode())


def prepare_as_promised(spec, description, source):
    """What `prepare` makes, once it is found to have the shapes that the check promised."""
    report = check(spec, description)
    made = prepare(spec, description, source, report.task)
    assert made.x_train.shape[1:] == report.input_shape
    assert made.x_train.dtype == np.float32
    for rows, x, y in (
        (report.rows.train, made.x_train, made.y_train),
        (report.rows.validation, made.x_validation, made.y_validation),
        (report.rows.test, made.x_test, made.y_test),
    ):
        assert (0 if x is None else len(x)) == (0 if y is None else len(y))
        assert rows is None or rows == (0 if x is None else len(x))
    return made


def nothing(name):
    """Stands for columns where no split may ask for one."""
    raise AssertionError(name)


@pytest.fixture
def table(tmp_path):
    """A CSV file of some frame, described and prepared by a spec's data section."""

    def table(frame, data, outputs=1, loss="mse"):
        path = tmp_path / "table.csv"
        frame.to_csv(path, index=False)
        description = TableDescription.model_validate(csv_file.describe(path, _MEMORY))
        return prepare_as_promised(
            spec_of({"dataset": "table", **data}, outputs, loss), description, FileSource(path, sources.CSV)
        )

    return table


@pytest.fixture
def arrays(tmp_path):
    """An NPZ file of some arrays, described and prepared by a spec's data section."""

    def arrays(stored, data, outputs=1, loss="mse"):
        path = tmp_path / "arrays.npz"
        np.savez(path, **stored)
        description = ArraysDescription.model_validate(npz_file.describe(path, _MEMORY))
        return prepare_as_promised(
            spec_of({"dataset": "arrays", **data}, outputs, loss), description, FileSource(path, sources.NPZ)
        )

    return arrays


@pytest.fixture
def mixed():
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": generator.normal(5, 3, 40),
            "count": generator.integers(0, 9, 40),
            "colour": generator.choice(["red", "green", "blue"], 40),
            "price": generator.normal(100, 30, 40),
        },
    )


class TestSplits:
    @given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
    @hypothesis_settings(max_examples=60, deadline=None)
    def test_random_is_pandas_sample(self, rows, fraction, seed):
        frame = pd.DataFrame({"row": range(rows)})
        expected = frame.sample(frac=fraction, random_state=seed)
        train, others = divide(RandomSplit(train_fraction=fraction, seed=seed), rows, 7, nothing)
        assert train.tolist() == expected["row"].tolist()
        assert others.tolist() == frame.drop(expected.index)["row"].tolist()

    @given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1), st.booleans())
    @hypothesis_settings(max_examples=60, deadline=None)
    def test_train_test_split_is_scikit_learns(self, rows, fraction, seed, shuffle):
        method = TrainTestSplit(train_fraction=fraction, seed=seed, shuffle=shuffle)
        expected = train_test_split(
            range(rows), train_size=fraction, random_state=seed if shuffle else None, shuffle=shuffle
        )
        assert [part.tolist() for part in divide(method, rows, 7, nothing)] == expected

    def test_last_keeps_the_order(self):
        train, others = divide(LastSplit(train_fraction=0.75), 10, 0, nothing)
        assert (train.tolist(), others.tolist()) == ([*range(7)], [7, 8, 9])

    def test_a_split_without_a_seed_uses_the_trainings(self):
        unsaid, said = RandomSplit(train_fraction=0.5), RandomSplit(train_fraction=0.5, seed=3)
        assert divide(unsaid, 50, 3, nothing)[0].tolist() == divide(said, 50, 9, nothing)[0].tolist()
        assert divide(unsaid, 50, 4, nothing)[0].tolist() != divide(said, 50, 9, nothing)[0].tolist()

    def test_the_test_rows_are_set_aside_first(self):
        split = Split(test=TrainTestSplit(train_fraction=0.8, seed=0), validation=RandomSplit(train_fraction=0.7))
        frame = pd.DataFrame({"row": range(100)})
        rest, test = train_test_split(frame, train_size=0.8, random_state=0)
        train = rest.sample(frac=0.7, random_state=5)
        parts = split_rows(split, 100, 5, nothing)
        assert parts.test.tolist() == test["row"].tolist()
        assert parts.train.tolist() == train["row"].tolist()
        assert parts.validation.tolist() == rest.drop(train.index)["row"].tolist()

    @given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1))
    @hypothesis_settings(max_examples=60, deadline=None)
    def test_stratified_is_scikit_learns(self, rows, fraction, seed):
        classes = [row % 2 == 0 for row in range(rows)]
        method = TrainTestSplit(train_fraction=fraction, seed=seed, stratify="class")
        try:
            expected = train_test_split(range(rows), train_size=fraction, random_state=seed, stratify=classes)
        except ValueError:
            with pytest.raises(PreparationError, match="stratified by “class”"):
                divide(method, rows, 7, {"class": classes}.__getitem__)
            return
        made = divide(method, rows, 7, {"class": classes}.__getitem__)
        assert [part.tolist() for part in made] == expected

    @given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200), st.floats(0.2, 0.8), st.integers(0, 99))
    @hypothesis_settings(max_examples=60, deadline=None)
    def test_groups_are_scikit_learns(self, groups, fraction, seed):
        method = GroupSplit(column="artist", train_fraction=fraction, seed=seed)
        splitter = GroupShuffleSplit(n_splits=1, train_size=fraction, random_state=seed)
        try:
            expected = next(splitter.split(groups, groups=groups))
        except ValueError:
            with pytest.raises(PreparationError, match="no group"):
                divide(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
            return
        made = divide(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
        assert [part.tolist() for part in made] == [part.tolist() for part in expected]
        assert {groups[row] for row in made[0]}.isdisjoint(groups[row] for row in made[1])

    @pytest.mark.parametrize(
        ("values", "wanted", "others"),
        [
            (["train", "test", "more", "test"], ("test",), [1, 3]),
            ([0, 1, 2, 1], (1, 2), [1, 2, 3]),
            ([True, False, True, False], (True,), [0, 2]),
        ],
    )
    def test_a_column_says_which(self, values, wanted, others):
        method = ColumnSplit(column="set", values=wanted)
        made = divide(method, 4, 7, {"set": pd.Series(values)}.__getitem__)
        assert [part.tolist() for part in made] == [[row for row in range(4) if row not in others], others]

    def test_the_second_split_sees_the_rows_that_the_first_left(self):
        split = Split(
            test=ColumnSplit(column="set", values=("test",)),
            validation=GroupSplit(column="artist", train_fraction=0.5, seed=3),
        )
        columns = {
            "set": pd.Series(["train", "test"] * 10),
            "artist": pd.Series([f"artist {row // 4}" for row in range(20)]),
        }
        parts = split_rows(split, 20, 0, columns.__getitem__)
        left = np.arange(0, 20, 2)
        splitter = GroupShuffleSplit(n_splits=1, train_size=0.5, random_state=3)
        train, validation = next(splitter.split(left, groups=columns["artist"].iloc[left]))
        assert parts.test.tolist() == [*range(1, 20, 2)]
        assert (parts.train.tolist(), parts.validation.tolist()) == (left[train].tolist(), left[validation].tolist())

    @pytest.mark.parametrize(
        "method",
        [
            RandomSplit(train_fraction=0.01),
            RandomSplit(train_fraction=0.99),
            TrainTestSplit(train_fraction=0.01),
            LastSplit(train_fraction=0.01),
        ],
    )
    def test_a_part_without_rows_is_refused(self, method):
        with pytest.raises(PreparationError, match="leaves none for"):
            split_rows(Split(validation=method), 5, 0, nothing)


class TestFeatures:
    def test_without_groups_every_other_column_is_taken_as_it_is(self, table, mixed):
        made = table(mixed[["size", "price", "count"]], {"target": {"column": "price"}})
        assert made.x_train.tolist() == mixed[["size", "count"]].to_numpy("float32").tolist()
        assert made.y_train.tolist() == mixed["price"].to_numpy("float32").tolist()

    def test_the_transforms_are_scikit_learns_fitted_on_the_training_rows(self, table, mixed):
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
    def test_a_transform_is_scikit_learns_and_survives_its_storage(self, transform, scikit_learns, table, mixed):
        split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
        features = [{"columns": ["size", "count"], "transform": transform}]
        made = table(mixed, {"target": {"column": "price"}, "features": features, "split": split})
        train = mixed.sample(frac=0.7, random_state=1)[["size", "count"]]
        rest = mixed.drop(train.index)[["size", "count"]]
        assert np.array_equal(made.x_train, scikit_learns.fit_transform(train).astype("float32"))
        stored = FittedTable.model_validate_json(made.inputs.model_dump_json())
        assert np.array_equal(stored.apply(rest), scikit_learns.transform(rest).astype("float32"))

    def test_categories_are_scikit_learns_and_unknown_ones_stand_aside(self, table, mixed):
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

    @pytest.mark.parametrize(
        "strategy", ["mean", "median", "most_frequent", {"strategy": "constant", "fill_value": 7}]
    )
    def test_holes_are_filled_as_scikit_learn_fills_them(self, strategy, table, mixed):
        holes = mixed.assign(
            size=mixed["size"].mask(mixed.index % 7 == 0), count=mixed["count"].mask(mixed.index == 5)
        )
        split = {"validation": {"method": "last", "train_fraction": 0.7}}
        features = [{"columns": ["size", "count"], "transform": "standard"}]
        made = table(holes, {"target": {"column": "price"}, "features": features, "split": split, "impute": strategy})
        said = strategy if isinstance(strategy, dict) else {"strategy": strategy}
        numbers = holes[["size", "count"]]
        imputer = SimpleImputer(**said).fit(numbers[:28])
        expected = StandardScaler().fit(imputer.transform(numbers[:28])).transform(imputer.transform(numbers))
        assert np.array_equal(np.concatenate([made.x_train, made.x_validation]), expected.astype("float32"))

    def test_text_is_filled_with_what_is_most_frequent_in_training(self, table):
        frame = pd.DataFrame({"kind": ["b", "b", "a", None, "a", "a"], "y": np.arange(6.0)})
        split = {"validation": {"method": "last", "train_fraction": 0.5}}
        features = [{"columns": ["kind"], "transform": "one_hot", "impute": "most_frequent"}]
        made = table(frame, {"target": {"column": "y"}, "features": features, "split": split})
        assert made.x_validation.tolist() == [[0, 1], [1, 0], [1, 0]]

    def test_only_the_columns_that_are_listed_leave_out_rows(self, table, mixed):
        holes = mixed.assign(size=mixed["size"].mask(mixed.index == 3), price=mixed["price"].mask(mixed.index == 5))
        features = [{"columns": ["size"], "impute": "mean"}]
        data = {"target": {"column": "price"}, "features": features, "drop_missing": ["price"]}
        made = table(holes, data)
        left = holes.dropna(subset=["price"])
        assert made.y_train.tolist() == left["price"].to_numpy("float32").tolist()
        assert np.array_equal(made.x_train, SimpleImputer().fit_transform(left[["size"]]).astype("float32"))

    def test_columns_with_another_task_are_no_features_by_default(self, table, mixed):
        frame = mixed[["size", "count", "price"]].assign(weight=1.0, who=["a", "b"] * 20)
        split = {"validation": {"method": "group", "column": "who", "train_fraction": 0.5, "seed": 0}}
        made = table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
        assert made.x_train.shape == (20, 2)

    def test_a_column_with_nothing_to_impute_from_is_refused(self, table):
        frame = pd.DataFrame({"x": [np.nan, np.nan, 1.0], "y": [1.0, 2.0, 3.0]})
        split = {"validation": {"method": "last", "train_fraction": 0.7}}
        with pytest.raises(PreparationError, match="no value among the training rows"):
            table(frame, {"target": {"column": "y"}, "impute": "mean", "split": split})

    def test_a_category_that_only_validation_has_keeps_its_place(self, table):
        frame = pd.DataFrame({"kind": ["a", "a", "a", "b"], "y": [1.0, 2.0, 3.0, 4.0]})
        split = {"validation": {"method": "last", "train_fraction": 0.75}}
        groups = [{"columns": ["kind"], "transform": "one_hot"}]
        made = table(frame, {"target": {"column": "y"}, "features": groups, "split": split})
        assert made.x_train.tolist() == [[1, 0]] * 3
        assert made.x_validation.tolist() == [[0, 1]]

    def test_rows_that_lack_a_value_in_any_column_leave_before_the_split(self, table, mixed):
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

    def test_a_table_in_which_every_row_lacks_something_is_refused(self, tmp_path):
        path = tmp_path / "holes.csv"
        path.write_text("a,b,y\n1,,1\n,2,2\n")
        description = TableDescription.model_validate(csv_file.describe(path, _MEMORY))
        spec = spec_of({"dataset": "holes", "target": {"column": "y"}, "drop_missing": True})
        with pytest.raises(PreparationError, match="drop_missing leaves none"):
            prepare(spec, description, FileSource(path, sources.CSV), check(spec, description).task)

    def test_a_number_too_large_for_float32_is_refused(self, table):
        frame = pd.DataFrame({"x": [1.0, 1e300], "y": [0.0, 1.0]})
        with pytest.raises(PreparationError, match="features have values"):
            table(frame, {"target": {"column": "y"}})


class TestTargets:
    def test_labels_are_whole_numbers_for_a_loss_that_takes_them(self):
        made = prepare_as_promised(parse(json.dumps(iris_spec()).encode()), BUILTINS["iris"], BuiltinSource("iris"))
        frame = load_iris(as_frame=True).frame
        train = frame.sample(frac=0.8, random_state=0)
        assert made.y_train.dtype == np.int64
        assert made.y_train.tolist() == train["target"].tolist()
        assert np.array_equal(made.x_train, train.drop(columns="target").to_numpy("float32"))

    def test_one_hot_has_an_output_for_each_value(self):
        spec = spec_of(
            {"dataset": "builtin:iris", "target": {"column": "target", "encode": "one_hot"}},
            outputs=3,
            loss="categorical_crossentropy",
        )
        made = prepare_as_promised(spec, BUILTINS["iris"], BuiltinSource("iris"))
        assert made.y_train.dtype == np.float32
        assert np.array_equal(made.y_train, np.eye(3)[load_iris().target])

    def test_text_becomes_its_place_among_the_sorted_values(self, table, mixed):
        data = {"target": {"column": "colour"}, "features": [{"columns": ["size"]}]}
        made = table(mixed, data, outputs=3, loss="sparse_categorical_crossentropy")
        assert made.y_train.dtype == np.int64
        assert made.y_train.tolist() == [["blue", "green", "red"].index(colour) for colour in mixed["colour"]]

    def test_a_regression_is_on_floats_and_scaled_as_asked(self, table, mixed):
        split = {"validation": {"method": "last", "train_fraction": 0.75}}
        target = {"column": "count", "divide_by": 4, "standard": True}
        made = table(mixed, {"target": target, "features": [{"columns": ["size"]}], "split": split})
        scaled = mixed[["count"]] / 4
        expected = StandardScaler().fit(scaled.iloc[:30]).transform(scaled).astype("float32")[:, 0]
        assert made.y_train.dtype == np.float32
        assert np.array_equal(np.concatenate([made.y_train, made.y_validation]), expected)

    def test_several_columns_are_several_outputs(self, table, mixed):
        data = {"target": {"column": ["price", "count"]}, "features": [{"columns": ["size"]}]}
        made = table(mixed, data, outputs=2)
        assert np.array_equal(made.y_train, mixed[["price", "count"]].to_numpy("float32"))

    def test_a_test_pair_has_the_classes_of_the_training_arrays(self, arrays):
        stored = {"x": np.eye(4), "y": np.array([0, 2, 5, 2]), "tx": np.eye(4)[:1], "ty": np.array([5], "uint8")}
        data = {"x": "x", "y": "y", "test": {"x": "tx", "y": "ty"}, "target": {"encode": "one_hot"}}
        made = arrays(stored, data, outputs=3, loss="categorical_crossentropy")
        assert made.y_train.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
        assert made.y_test.tolist() == [[0, 0, 1]]

    def test_an_array_is_scaled_like_a_column_and_so_is_its_test_pair(self, arrays):
        draw = np.random.default_rng(0)
        stored = {
            "x": np.eye(6),
            "y": draw.normal(50, 20, (6, 2)),
            "tx": np.eye(6)[:2],
            "ty": draw.normal(size=(2, 2)),
        }
        target = {"divide_by": 10, "standard": True}
        split = {"validation": {"method": "last", "train_fraction": 0.7}}
        data = {"x": "x", "y": "y", "test": {"x": "tx", "y": "ty"}, "target": target, "split": split}
        made = arrays(stored, data, outputs=2)
        scaler = StandardScaler().fit(stored["y"][:4] / 10)
        for y, rows in ((made.y_train, stored["y"][:4]), (made.y_test, stored["ty"])):
            assert np.array_equal(y, scaler.transform(rows / 10).astype("float32"))
        assert made.target.values(made.y_test) == pytest.approx(stored["ty"], rel=1e-4)
        assert made.target.columns == ("y[0]", "y[1]")


class TestMeaning:
    """From outputs back to what the dataset says."""

    def target(self, made):
        return FittedTarget.model_validate_json(made.target.model_dump_json())

    def test_amounts_come_back_in_their_own_units(self, table, mixed):
        target = {"column": ["price", "size"], "divide_by": 7, "standard": True}
        made = table(mixed, {"target": target, "features": [{"columns": ["count"]}]}, outputs=2)
        assert self.target(made).values(made.y_train) == pytest.approx(mixed[["price", "size"]].to_numpy(), rel=1e-5)

    @pytest.mark.parametrize(
        ("encode", "loss"), [(None, "sparse_categorical_crossentropy"), ("one_hot", "categorical_crossentropy")]
    )
    def test_the_likeliest_class_is_named(self, encode, loss, table, mixed):
        data = {"target": {"column": "colour", "encode": encode}, "features": [{"columns": ["size"]}]}
        made = table(mixed, data, outputs=3, loss=loss)
        target = self.target(made)
        assert target.classes == ("blue", "green", "red")
        assert [target.classes[place] for place in target.places(made.y_train)] == mixed["colour"].tolist()
        outputs = np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
        assert target.labels(outputs).tolist() == [2, 0]
        assert target.scores(outputs).tolist() == outputs.tolist()

    def test_one_output_tells_two_classes_apart(self, table, mixed):
        frame = mixed[["size"]].assign(rich=mixed["price"] > 100)
        loss = {"type": "BinaryCrossentropy", "from_logits": True}
        made = table(frame, {"target": {"column": "rich"}}, loss=loss)
        target = self.target(made)
        assert target.classes == (False, True)
        assert target.places(made.y_train).tolist() == frame["rich"].tolist()
        outputs = np.array([[-1000.0], [0.0], [2.0]])
        assert target.labels(outputs).tolist() == [0, 0, 1]
        assert target.scores(outputs) == pytest.approx(np.array([[1, 0], [0.5, 0.5], [0.1192, 0.8808]]), abs=1e-4)

    def test_logits_become_shares(self, table, mixed):
        data = {"target": {"column": "colour"}, "features": [{"columns": ["size"]}]}
        loss = {"type": "SparseCategoricalCrossentropy", "from_logits": True}
        scores = self.target(table(mixed, data, outputs=3, loss=loss)).scores(np.array([[1000.0, 0.0, 1000.0]]))
        assert scores.tolist() == [[0.5, 0, 0.5]]

    def test_signs_have_no_shares(self, table):
        frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "side": [-1, 1, 1]})
        target = self.target(table(frame, {"target": {"column": "side"}}, loss="hinge"))
        assert target.classes == (-1, 1)
        assert target.labels(np.array([[-0.2], [0.2]])).tolist() == [0, 1]
        assert target.scores(np.array([[0.2]])) is None
        assert target.places(np.array([-1.0, 1.0])).tolist() == [0, 1]


class TestWeights:
    def test_rows_weigh_what_their_column_says(self, table, mixed):
        frame = mixed[["size", "price"]].assign(weight=np.arange(40.0))
        split = {"validation": {"method": "random", "train_fraction": 0.5, "seed": 0}}
        made = table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
        assert made.weights.tolist() == frame.sample(frac=0.5, random_state=0)["weight"].tolist()

    def test_an_array_weighs_rows_too(self, arrays):
        stored = {"x": np.eye(4), "y": np.zeros(4), "w": np.array([1, 2, 3, 4])}
        assert arrays(stored, {"x": "x", "y": "y", "sample_weight": "w"}).weights.tolist() == [1, 2, 3, 4]

    def test_classes_weigh_what_their_names_say(self, tmp_path):
        made = self.made(tmp_path, "colour", {"red": 5, "blue": 0.5}, "sparse_categorical_crossentropy", 3)
        assert made.class_weight == {0: 0.5, 2: 5.0}

    def test_balanced_is_scikit_learns(self, tmp_path):
        made = self.made(tmp_path, "colour", "balanced", "sparse_categorical_crossentropy", 3)
        expected = compute_class_weight("balanced", classes=np.arange(3), y=made.y_train)
        assert made.class_weight == dict(enumerate(expected.tolist()))

    def test_signs_are_weighed_by_what_keras_sees(self, tmp_path):
        assert self.made(tmp_path, "side", {"-1": 2, "1": 3}, "hinge", 1).class_weight == {-1: 2, 1: 3}

    def made(self, directory, column, weights, loss, outputs):
        generator = np.random.default_rng(0)
        frame = pd.DataFrame({"x": np.arange(40.0), "colour": generator.choice(["red", "green", "blue"], 40)})
        frame["side"] = np.where(frame["colour"] == "red", 1, -1)
        path = directory / "table.csv"
        frame.to_csv(path, index=False)
        description = TableDescription.model_validate(csv_file.describe(path, _MEMORY))
        data = {"dataset": "table", "target": {"column": column}, "features": [{"columns": ["x"]}]}
        spec = spec_of(data, outputs, loss, class_weight=weights)
        return prepare_as_promised(spec, description, FileSource(path, sources.CSV))


NORMALIZED = """
import json, sys
import numpy as np
from keras.utils import normalize
for dtype in ("uint8", "float32", "float64"):
    x = np.load(f"{sys.argv[1]}/{dtype}.npy")
    for place, (axis, order) in enumerate(json.loads(sys.argv[2])):
        np.save(f"{sys.argv[1]}/{dtype}-{place}.npy", normalize(x, axis, order).astype("float32"))
"""
WAYS = ((1, 2.0), (-1, 2.0), (2, 1.0), (-1, 3.0))


class TestNormalize:
    @pytest.fixture(scope="class")
    def normalized(self, tmp_path_factory):
        """Rows of each type, beside what Keras makes of them; one process for all, for it takes seconds to load."""
        directory = tmp_path_factory.mktemp("normalized")
        rows = np.random.default_rng(0).random((5000, 7, 9)) * 255
        rows[3] = 0
        for dtype in ("uint8", "float32", "float64"):
            np.save(directory / f"{dtype}.npy", rows.astype(dtype))
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        command = [sys.executable, "-c", NORMALIZED, directory, json.dumps(WAYS)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return directory

    @pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
    def test_it_is_keras_own_to_the_bit(self, dtype, arrays, normalized):
        x = np.load(normalized / f"{dtype}.npy")
        for place, (axis, order) in enumerate(WAYS):
            data = {"x": "x", "y": "y", "normalize": {"axis": axis, "order": order}}
            made = arrays({"x": x, "y": np.zeros(len(x))}, data)
            assert np.array_equal(made.x_train, np.load(normalized / f"{dtype}-{place}.npy")), (axis, order)

    def test_an_axis_of_rows_that_keras_cannot_do_is_refused(self, arrays):
        stored = {"x": np.ones((5, 3)), "y": np.zeros(5)}
        with pytest.raises(PreparationError, match="cannot normalize"):
            arrays(stored, {"x": "x", "y": "y", "normalize": {"axis": 0}})


class TestReferenceSpecs:
    @pytest.mark.parametrize(
        ("name", "file"),
        [("concrete-plain", "concrete.csv"), ("concrete-batchnorm", "concrete.csv"), ("red-wine", "red-wine.csv")],
    )
    def test_tables(self, name, file):
        spec = parse(shared(f"specs/{name}.json").read_bytes())
        path = shared(f"data/{file}")
        description = TableDescription.model_validate(csv_file.describe(path, _MEMORY))
        made = prepare_as_promised(spec, description, FileSource(path, sources.CSV))
        frame = pd.read_csv(path)
        train = frame.sample(frac=0.7, random_state=0)
        for rows, x, y in (
            (train, made.x_train, made.y_train),
            (frame.drop(train.index), made.x_validation, made.y_validation),
        ):
            assert np.array_equal(x, rows.drop(columns=spec.data.target.column).to_numpy("float32"))
            assert np.array_equal(y, rows[spec.data.target.column].to_numpy("float32"))

    def test_spotify(self):
        spec = parse(shared("specs/spotify.json").read_bytes())
        path = shared("data/spotify.csv")
        description = TableDescription.model_validate(csv_file.describe(path, _MEMORY))
        made = prepare_as_promised(spec, description, FileSource(path, sources.CSV))
        frame = pd.read_csv(path).dropna()
        numbers, genre = (list(group.columns) for group in spec.data.features)
        artists = frame["track_artist"]
        splitter = GroupShuffleSplit(train_size=0.75, random_state=0)
        train, validation = next(splitter.split(frame, groups=artists))
        inputs = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), genre))
        assert np.array_equal(made.x_train, inputs.fit_transform(frame.iloc[train]).astype("float32"))
        assert np.array_equal(made.x_validation, inputs.transform(frame.iloc[validation]).astype("float32"))
        popularity = (frame["track_popularity"] / 100).to_numpy("float32")
        assert np.array_equal(made.y_train, popularity[train])

    def test_mnist(self):
        spec = parse(shared("specs/mnist-plain.json").read_bytes())
        path = shared("data/mnist.npz")
        description = ArraysDescription.model_validate(npz_file.describe(path, _MEMORY))
        made = prepare_as_promised(spec, description, FileSource(path, sources.NPZ))
        with np.load(path) as file:
            rows = file["x_train"][54000:]
            norm = np.atleast_1d(np.linalg.norm(rows, 2, 1))
            norm[norm == 0] = 1
            assert np.array_equal(made.x_validation, (rows / np.expand_dims(norm, 1)).astype("float32"))
            assert np.array_equal(made.y_test, np.eye(10)[file["y_test"]])


def test_what_the_worker_prepares_with_loads_no_keras():
    program = "import sys, worker.preparation; print(*sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_the_built_in_tables_are_prepared_in_their_order():
    spec = spec_of({"dataset": "builtin:breast_cancer", "target": {"column": "target"}})
    made = prepare_as_promised(spec, BUILTINS["breast_cancer"], BuiltinSource("breast_cancer"))
    assert np.array_equal(made.x_train, load_breast_cancer().data.astype("float32"))
