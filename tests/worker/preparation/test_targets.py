"""What a network is to predict, and back from its outputs to what the dataset says."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from service.datasets.dataset_source import BuiltinSource
from stackyard.spec import parse
from tests.factories import iris_spec
from tests.worker.preparation.promised import BUILTINS, prepare_as_promised, spec_of
from worker.preparation.transforms.targets import FittedTarget


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
