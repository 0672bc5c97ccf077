"""The reference specs on their own files, compared with pandas, scikit-learn and NumPy."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file
from stackyard.spec import ArraysDescription, TableDescription, parse_spec
from tests.conftest import require_shared_file
from tests.worker.preparation.checked_preparation import MEMORY, prepare_and_check


@pytest.mark.parametrize(
    ("name", "file"),
    [("concrete-plain", "concrete.csv"), ("concrete-batchnorm", "concrete.csv"), ("red-wine", "red-wine.csv")],
)
def test_tables(name, file):
    spec = parse_spec(require_shared_file(f"specs/{name}.json").read_bytes())
    path = require_shared_file(f"data/{file}")
    description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
    prepared = prepare_and_check(spec, description, FileSource(path, dataset_source.CSV))
    frame = pd.read_csv(path)
    train = frame.sample(frac=0.7, random_state=0)
    for rows, x, y in (
        (train, prepared.x_train, prepared.y_train),
        (frame.drop(train.index), prepared.x_validation, prepared.y_validation),
    ):
        assert np.array_equal(x, rows.drop(columns=spec.data.target.column).to_numpy("float32"))
        assert np.array_equal(y, rows[spec.data.target.column].to_numpy("float32"))


def test_spotify():
    spec = parse_spec(require_shared_file("specs/spotify.json").read_bytes())
    path = require_shared_file("data/spotify.csv")
    description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
    prepared = prepare_and_check(spec, description, FileSource(path, dataset_source.CSV))
    frame = pd.read_csv(path).dropna()
    numbers, genre = (list(group.columns) for group in spec.data.features)
    artists = frame["track_artist"]
    splitter = GroupShuffleSplit(train_size=0.75, random_state=0)
    train, validation = next(splitter.split(frame, groups=artists))
    inputs = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), genre))
    assert np.array_equal(prepared.x_train, inputs.fit_transform(frame.iloc[train]).astype("float32"))
    assert np.array_equal(prepared.x_validation, inputs.transform(frame.iloc[validation]).astype("float32"))
    popularity = (frame["track_popularity"] / 100).to_numpy("float32")
    assert np.array_equal(prepared.y_train, popularity[train])


def test_mnist():
    spec = parse_spec(require_shared_file("specs/mnist-plain.json").read_bytes())
    path = require_shared_file("data/mnist.npz")
    description = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
    prepared = prepare_and_check(spec, description, FileSource(path, dataset_source.NPZ))
    with np.load(path) as file:
        rows = file["x_train"][54000:]
        norm = np.atleast_1d(np.linalg.norm(rows, 2, 1))
        norm[norm == 0] = 1
        assert np.array_equal(prepared.x_validation, (rows / np.expand_dims(norm, 1)).astype("float32"))
        assert np.array_equal(prepared.y_test, np.eye(10)[file["y_test"]])
