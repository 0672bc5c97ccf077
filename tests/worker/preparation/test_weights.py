"""How much rows and classes count."""

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file
from stackyard.spec import TableDescription
from tests.worker.preparation.promised import MEMORY, prepare_as_promised, spec_of


def test_rows_weigh_what_their_column_says(table, mixed):
    frame = mixed[["size", "price"]].assign(weight=np.arange(40.0))
    split = {"validation": {"method": "random", "train_fraction": 0.5, "seed": 0}}
    made = table(frame, {"target": {"column": "price"}, "sample_weight": "weight", "split": split})
    assert made.weights.tolist() == frame.sample(frac=0.5, random_state=0)["weight"].tolist()


def test_an_array_weighs_rows_too(arrays):
    stored = {"x": np.eye(4), "y": np.zeros(4), "w": np.array([1, 2, 3, 4])}
    assert arrays(stored, {"x": "x", "y": "y", "sample_weight": "w"}).weights.tolist() == [1, 2, 3, 4]


def test_classes_weigh_what_their_names_say(tmp_path):
    made = weighed(tmp_path, "colour", {"red": 5, "blue": 0.5}, "sparse_categorical_crossentropy", 3)
    assert made.class_weight == {0: 0.5, 2: 5.0}


def test_balanced_is_scikit_learns(tmp_path):
    made = weighed(tmp_path, "colour", "balanced", "sparse_categorical_crossentropy", 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=made.y_train)
    assert made.class_weight == dict(enumerate(expected.tolist()))


def test_signs_are_weighed_by_what_keras_sees(tmp_path):
    assert weighed(tmp_path, "side", {"-1": 2, "1": 3}, "hinge", 1).class_weight == {-1: 2, 1: 3}


def weighed(directory, column, weights, loss, outputs):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": np.arange(40.0), "colour": generator.choice(["red", "green", "blue"], 40)})
    frame["side"] = np.where(frame["colour"] == "red", 1, -1)
    path = directory / "table.csv"
    frame.to_csv(path, index=False)
    description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
    data = {"dataset": "table", "target": {"column": column}, "features": [{"columns": ["x"]}]}
    spec = spec_of(data, outputs, loss, class_weight=weights)
    return prepare_as_promised(spec, description, FileSource(path, dataset_source.CSV))
