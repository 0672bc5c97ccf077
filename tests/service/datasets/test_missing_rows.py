"""Descriptions count the rows that remain when rows with missing values are dropped, as pandas drops them."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from service.datasets.inspection import csv_file, missing_rows, parquet_file
from stackyard.spec import TableDescription

MEMORY = 2**30


@pytest.fixture(params=["csv", "parquet"])
def describe(request, tmp_path):
    def describe(frame):
        path = tmp_path / "table"
        if request.param == "csv":
            frame.to_csv(path, index=False)
            return TableDescription.model_validate(csv_file.describe_csv(path, MEMORY, max_block_records=70))
        frame.to_parquet(path, index=False, row_group_size=70)
        return TableDescription.model_validate(parquet_file.describe_parquet(path, MEMORY))

    return describe


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "whole": pd.array(generator.integers(0, 9, 300), "Int64"),
            "fraction": generator.random(300),
            "text": pd.Series(generator.choice(["a", "b"], 300)).astype("category"),
            "flag": pd.array(generator.random(300) < 0.5, "boolean"),
            "full": np.arange(300),
        }
    )
    return frame.mask(pd.DataFrame(generator.random((300, 4)) < 0.2, columns=list(frame)[:4]).assign(full=False))


def test_rows_without_missing_values_are_counted_for_any_columns(describe, frame):
    description = describe(frame)
    for size in range(6):
        for names in combinations(frame.columns, size):
            assert description.count_complete_rows(names) == len(frame.dropna(subset=list(names)))


def test_too_many_sets_of_columns_are_not_listed(describe, frame, monkeypatch):
    monkeypatch.setattr(missing_rows, "_MAX_KEY_CHARACTERS", 8)
    description = describe(frame)
    assert description.missing_rows is None
    assert description.count_complete_rows(["whole", "text"]) is None
    assert description.count_complete_rows(["whole", "full"]) == len(frame.dropna(subset=["whole"]))


@pytest.mark.parametrize(
    ("values", "categories"),
    [
        ([0.0, 1.0, 2.0, None], [0, 1, 2]),
        ([0.0, -0.0, 1.0], [0, 1]),
        ([0.0, 0.5], None),
        ([2.0**53, 1.0], None),
        ([float(value) for value in range(1001)], None),
    ],
)
def test_whole_numbers_among_floats_are_categories(values, categories, describe):
    description = describe(pd.DataFrame({"grade": np.array(values, "float64"), "n": range(len(values))}))
    assert description.columns[0].type == "float"
    assert description.columns[0].categories == categories
