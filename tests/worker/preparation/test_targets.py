"""Targets of a network, and the conversion of its outputs back to target values."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from service.datasets.dataset_source import BuiltinSource
from stackyard.spec import parse_spec
from tests.factories import iris_spec
from tests.worker.preparation.checked_preparation import BUILTINS, build_spec, prepare_and_check
from worker.preparation.transforms.targets import FittedTarget


class TestTargets:
    def test_labels_are_integers_for_a_loss_that_takes_labels(self):
        prepared = prepare_and_check(
            parse_spec(json.dumps(iris_spec()).encode()), BUILTINS["iris"], BuiltinSource("iris")
        )
        frame = load_iris(as_frame=True).frame
        train = frame.sample(frac=0.8, random_state=0)
        assert prepared.y_train.dtype == np.int64
        assert prepared.y_train.tolist() == train["target"].tolist()
        assert np.array_equal(prepared.x_train, train.drop(columns="target").to_numpy("float32"))

    def test_one_hot_has_a_column_for_each_value(self):
        spec = build_spec(
            {"dataset": "builtin:iris", "target": {"column": "target", "encode": "one_hot"}},
            outputs=3,
            loss="categorical_crossentropy",
        )
        prepared = prepare_and_check(spec, BUILTINS["iris"], BuiltinSource("iris"))
        assert prepared.y_train.dtype == np.float32
        assert np.array_equal(prepared.y_train, np.eye(3)[load_iris().target])

    def test_text_becomes_its_index_among_the_sorted_values(self, prepare_table, mixed_frame):
        data = {"target": {"column": "colour"}, "features": [{"columns": ["size"]}]}
        prepared = prepare_table(mixed_frame, data, outputs=3, loss="sparse_categorical_crossentropy")
        assert prepared.y_train.dtype == np.int64
        assert prepared.y_train.tolist() == [
            ["blue", "green", "red"].index(colour) for colour in mixed_frame["colour"]
        ]

    def test_regression_targets_are_scaled_floats(self, prepare_table, mixed_frame):
        split = {"validation": {"method": "last", "train_fraction": 0.75}}
        target = {"column": "count", "divide_by": 4, "standard": True}
        prepared = prepare_table(mixed_frame, {"target": target, "features": [{"columns": ["size"]}], "split": split})
        scaled = mixed_frame[["count"]] / 4
        expected = StandardScaler().fit(scaled.iloc[:30]).transform(scaled).astype("float32")[:, 0]
        assert prepared.y_train.dtype == np.float32
        assert np.array_equal(np.concatenate([prepared.y_train, prepared.y_validation]), expected)

    def test_several_target_columns(self, prepare_table, mixed_frame):
        data = {"target": {"column": ["price", "count"]}, "features": [{"columns": ["size"]}]}
        prepared = prepare_table(mixed_frame, data, outputs=2)
        assert np.array_equal(prepared.y_train, mixed_frame[["price", "count"]].to_numpy("float32"))

    def test_a_test_pair_has_the_classes_of_the_training_arrays(self, prepare_arrays):
        stored = {"x": np.eye(4), "y": np.array([0, 2, 5, 2]), "tx": np.eye(4)[:1], "ty": np.array([5], "uint8")}
        data = {"x": "x", "y": "y", "test": {"x": "tx", "y": "ty"}, "target": {"encode": "one_hot"}}
        prepared = prepare_arrays(stored, data, outputs=3, loss="categorical_crossentropy")
        assert prepared.y_train.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
        assert prepared.y_test.tolist() == [[0, 0, 1]]

    def test_an_array_and_its_test_pair_are_scaled_like_a_column(self, prepare_arrays):
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
        prepared = prepare_arrays(stored, data, outputs=2)
        scaler = StandardScaler().fit(stored["y"][:4] / 10)
        for y, rows in ((prepared.y_train, stored["y"][:4]), (prepared.y_test, stored["ty"])):
            assert np.array_equal(y, scaler.transform(rows / 10).astype("float32"))
        assert prepared.target.undo_scaling(prepared.y_test) == pytest.approx(stored["ty"], rel=1e-4)
        assert prepared.target.columns == ("y[0]", "y[1]")


class TestOutputs:
    """Conversion of outputs to target values."""

    def reload_target(self, prepared):
        return FittedTarget.model_validate_json(prepared.target.model_dump_json())

    def test_scaling_is_undone(self, prepare_table, mixed_frame):
        target = {"column": ["price", "size"], "divide_by": 7, "standard": True}
        prepared = prepare_table(mixed_frame, {"target": target, "features": [{"columns": ["count"]}]}, outputs=2)
        assert self.reload_target(prepared).undo_scaling(prepared.y_train) == pytest.approx(
            mixed_frame[["price", "size"]].to_numpy(), rel=1e-5
        )

    @pytest.mark.parametrize(
        ("encode", "loss"), [(None, "sparse_categorical_crossentropy"), ("one_hot", "categorical_crossentropy")]
    )
    def test_the_most_likely_class_is_predicted(self, encode, loss, prepare_table, mixed_frame):
        data = {"target": {"column": "colour", "encode": encode}, "features": [{"columns": ["size"]}]}
        prepared = prepare_table(mixed_frame, data, outputs=3, loss=loss)
        target = self.reload_target(prepared)
        assert target.classes == ("blue", "green", "red")
        assert [target.classes[index] for index in target.to_class_indices(prepared.y_train)] == mixed_frame[
            "colour"
        ].tolist()
        outputs = np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
        assert target.predict_class_indices(outputs).tolist() == [2, 0]
        assert target.compute_scores(outputs).tolist() == outputs.tolist()

    def test_one_output_for_two_classes(self, prepare_table, mixed_frame):
        frame = mixed_frame[["size"]].assign(rich=mixed_frame["price"] > 100)
        loss = {"type": "BinaryCrossentropy", "from_logits": True}
        prepared = prepare_table(frame, {"target": {"column": "rich"}}, loss=loss)
        target = self.reload_target(prepared)
        assert target.classes == (False, True)
        assert target.to_class_indices(prepared.y_train).tolist() == frame["rich"].tolist()
        outputs = np.array([[-1000.0], [0.0], [2.0]])
        assert target.predict_class_indices(outputs).tolist() == [0, 0, 1]
        assert target.compute_scores(outputs) == pytest.approx(
            np.array([[1, 0], [0.5, 0.5], [0.1192, 0.8808]]), abs=1e-4
        )

    def test_logits_become_probabilities(self, prepare_table, mixed_frame):
        data = {"target": {"column": "colour"}, "features": [{"columns": ["size"]}]}
        loss = {"type": "SparseCategoricalCrossentropy", "from_logits": True}
        scores = self.reload_target(prepare_table(mixed_frame, data, outputs=3, loss=loss)).compute_scores(
            np.array([[1000.0, 0.0, 1000.0]])
        )
        assert scores.tolist() == [[0.5, 0, 0.5]]

    def test_sign_losses_have_no_probabilities(self, prepare_table):
        frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "side": [-1, 1, 1]})
        target = self.reload_target(prepare_table(frame, {"target": {"column": "side"}}, loss="hinge"))
        assert target.classes == (-1, 1)
        assert target.predict_class_indices(np.array([[-0.2], [0.2]])).tolist() == [0, 1]
        assert target.compute_scores(np.array([[0.2]])) is None
        assert target.to_class_indices(np.array([-1.0, 1.0])).tolist() == [0, 1]
