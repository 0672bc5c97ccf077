"""Columns by whose values the rows of an upload are sorted."""

import pandas as pd
import pytest

from service.datasets.inspection import csv_file, parquet_file

COLUMNS = {
    "ascending": [0.5, 1.0, 1.0, 2.0],
    "descending": ["c", "b", "b", "a"],
    "with a gap": [1.0, None, 2.0, 3.0],
    "flags": [False, False, True, True],
    "constant": [1, 1, 1, 1],
    "shuffled": [1, 3, 2, 4],
    "repeated text": ["a", "b", "a", "b"],
}
SORTED = {"ascending", "descending", "with a gap", "flags"}


@pytest.mark.parametrize("max_block_records", [1, 3, 100])
def test_sorted_columns_of_a_csv_file_are_described_across_its_blocks(tmp_path, max_block_records):
    pd.DataFrame(COLUMNS).to_csv(tmp_path / "data.csv", index=False)
    description = csv_file.describe_csv(tmp_path / "data.csv", 2**30, max_block_records=max_block_records)
    assert {column["name"] for column in description["columns"] if column.get("is_sorted")} == SORTED


def test_sorted_columns_of_a_parquet_file_are_described(tmp_path):
    pd.DataFrame(COLUMNS).to_parquet(tmp_path / "data.parquet", index=False, row_group_size=3)
    description = parquet_file.describe_parquet(tmp_path / "data.parquet", 2**30)
    assert {column["name"] for column in description["columns"] if column.get("is_sorted")} == SORTED
