import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file
from stackyard.spec import ArraysDescription, TableDescription
from tests.worker.preparation.checked_preparation import MEMORY, build_spec, prepare_and_check


@pytest.fixture
def prepare_table(tmp_path):
    """Write a frame to a CSV file, describe it, and prepare it by a spec's data section."""

    def prepare_frame(frame, data, outputs=1, loss="mse"):
        path = tmp_path / "table.csv"
        frame.to_csv(path, index=False)
        description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
        return prepare_and_check(
            build_spec({"dataset": "table", **data}, outputs, loss), description, FileSource(path, dataset_source.CSV)
        )

    return prepare_frame


@pytest.fixture
def prepare_arrays(tmp_path):
    """Write arrays to an NPZ file, describe it, and prepare it by a spec's data section."""

    def prepare_stored_arrays(stored, data, outputs=1, loss="mse"):
        path = tmp_path / "arrays.npz"
        np.savez(path, **stored)
        description = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
        return prepare_and_check(
            build_spec({"dataset": "arrays", **data}, outputs, loss), description, FileSource(path, dataset_source.NPZ)
        )

    return prepare_stored_arrays


@pytest.fixture
def mixed_frame():
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": generator.normal(5, 3, 40),
            "count": generator.integers(0, 9, 40),
            "colour": generator.choice(["red", "green", "blue"], 40),
            "price": generator.normal(100, 30, 40),
        },
    )
