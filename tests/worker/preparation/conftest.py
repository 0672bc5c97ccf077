import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file
from stackyard.spec import ArraysDescription, TableDescription
from tests.worker.preparation.promised import MEMORY, prepare_as_promised, spec_of


@pytest.fixture
def table(tmp_path):
    """A CSV file of some frame, described and prepared by a spec's data section."""

    def table(frame, data, outputs=1, loss="mse"):
        path = tmp_path / "table.csv"
        frame.to_csv(path, index=False)
        description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
        return prepare_as_promised(
            spec_of({"dataset": "table", **data}, outputs, loss), description, FileSource(path, dataset_source.CSV)
        )

    return table


@pytest.fixture
def arrays(tmp_path):
    """An NPZ file of some arrays, described and prepared by a spec's data section."""

    def arrays(stored, data, outputs=1, loss="mse"):
        path = tmp_path / "arrays.npz"
        np.savez(path, **stored)
        description = ArraysDescription.model_validate(npz_file.describe(path, MEMORY))
        return prepare_as_promised(
            spec_of({"dataset": "arrays", **data}, outputs, loss), description, FileSource(path, dataset_source.NPZ)
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
