"""The reference specs on their own files, held against pandas, scikit-learn and NumPy."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file
from stackyard.spec import ArraysDescription, TableDescription, parse
from tests.conftest import shared
from tests.worker.preparation.promised import MEMORY, prepare_as_promised


@pytest.mark.parametrize(
    ("name", "file"),
    [("concrete-plain", "concrete.csv"), ("concrete-batchnorm", "concrete.csv"), ("red-wine", "red-wine.csv")],
)
def test_tables(name, file):
    spec = parse(shared(f"specs/{name}.json").read_bytes())
    path = shared(f"data/{file}")
    description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
    made = prepare_as_promised(spec, description, FileSource(path, dataset_source.CSV))
    frame = pd.read_csv(path)
    train = frame.sample(frac=0.7, random_state=0)
    for rows, x, y in (
        (train, made.x_train, made.y_train),
        (frame.drop(train.index), made.x_validation, made.y_validation),
    ):
        assert np.array_equal(x, rows.drop(columns=spec.data.target.column).to_numpy("float32"))
        assert np.array_equal(y, rows[spec.data.target.column].to_numpy("float32"))


def test_spotify():
    spec = parse(shared("specs/spotify.json").read_bytes())
    path = shared("data/spotify.csv")
    description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
    made = prepare_as_promised(spec, description, FileSource(path, dataset_source.CSV))
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


def test_mnist():
    spec = parse(shared("specs/mnist-plain.json").read_bytes())
    path = shared("data/mnist.npz")
    description = ArraysDescription.model_validate(npz_file.describe(path, MEMORY))
    made = prepare_as_promised(spec, description, FileSource(path, dataset_source.NPZ))
    with np.load(path) as file:
        rows = file["x_train"][54000:]
        norm = np.atleast_1d(np.linalg.norm(rows, 2, 1))
        norm[norm == 0] = 1
        assert np.array_equal(made.x_validation, (rows / np.expand_dims(norm, 1)).astype("float32"))
        assert np.array_equal(made.y_test, np.eye(10)[file["y_test"]])
