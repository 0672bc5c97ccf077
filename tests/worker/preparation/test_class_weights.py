"""Sample weights and class weights."""

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file
from stackyard.spec import TableDescription
from tests.worker.preparation.checked_preparation import MEMORY, build_spec, prepare_and_check


def test_sample_weights_come_from_a_column(prepare_table, mixed_frame):
    frame = mixed_frame[["size", "price"]].assign(weight=np.arange(40.0))
    split = {"validation": {"method": "random", "train_fraction": 0.5, "seed": 0}}
    prepared = prepare_table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
    assert prepared.weights.tolist() == frame.sample(frac=0.5, random_state=0)["weight"].tolist()


def test_sample_weights_come_from_an_array(prepare_arrays):
    stored = {"x": np.eye(4), "y": np.zeros(4), "w": np.array([1, 2, 3, 4])}
    assert prepare_arrays(stored, {"x": "x", "y": "y", "sample_weight": "w"}).weights.tolist() == [1, 2, 3, 4]


def test_class_weights_by_name(tmp_path):
    prepared = prepare_with_class_weights(
        tmp_path, "colour", {"red": 5, "blue": 0.5}, "sparse_categorical_crossentropy", 3
    )
    assert prepared.class_weight == {0: 0.5, 2: 5.0}


def test_balanced_class_weights_equal_scikit_learns(tmp_path):
    prepared = prepare_with_class_weights(tmp_path, "colour", "balanced", "sparse_categorical_crossentropy", 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=prepared.y_train)
    assert prepared.class_weight == dict(enumerate(expected.tolist()))


def test_class_weights_of_signs_are_by_minus_1_and_1(tmp_path):
    assert prepare_with_class_weights(tmp_path, "side", {"-1": 2, "1": 3}, "hinge", 1).class_weight == {-1: 2, 1: 3}


def prepare_with_class_weights(directory, column, weights, loss, outputs):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": np.arange(40.0), "colour": generator.choice(["red", "green", "blue"], 40)})
    frame["side"] = np.where(frame["colour"] == "red", 1, -1)
    path = directory / "table.csv"
    frame.to_csv(path, index=False)
    description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
    data = {"dataset": "table", "target": {"column": column}, "features": [{"columns": ["x"]}]}
    spec = build_spec(data, outputs, loss, class_weight=weights)
    return prepare_and_check(spec, description, FileSource(path, dataset_source.CSV))
