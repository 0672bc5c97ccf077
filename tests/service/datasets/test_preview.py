"""The first rows of files, read in this process, compared with pandas and NumPy."""

import numpy as np
import pandas as pd
import pytest

from service.datasets.dataset_source import CSV, PARQUET
from service.datasets.inspection.invalid_file import InvalidFileError
from service.datasets.preview import array_items, table_rows
from service.datasets.preview.documents import ArrayPreview, PreviewRequest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def read_rows(path, media_type, columns, **options):
    request = PreviewRequest(path=str(path), media_type=media_type, columns=columns, **options)
    return table_rows.read_first_rows(request)


def test_a_parquet_file_shows_dates_nested_values_and_cut_texts(path):
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-05-31", None]),
            "tags": [["a", "b"], []],
            "text": ["x" * 1000, "<b>"],
            "number": [1.5, float("nan")],
        }
    )
    frame.to_parquet(path)
    first, second = read_rows(path, PARQUET, [*frame.columns])
    assert (first[0], first[1], first[3]) == ("2024-05-31T00:00:00", "['a', 'b']", 1.5)
    assert (len(first[2]), first[2][-1]) == (200, "…")
    assert second == [None, "[]", "<b>", None]


def test_very_long_rows_are_fewer(path):
    frame = pd.DataFrame({f"column {number}": ["é" * 200] * 100 for number in range(50)})
    frame.to_parquet(path)
    assert 10 < len(read_rows(path, PARQUET, [*frame.columns])) < 30


def test_a_csv_file_has_the_values_of_pandas(path):
    frame = pd.DataFrame({"a": np.arange(120), "b": np.arange(120) / 3, "c": ["é, x", 'a "b"', "c\nd"] * 40})
    frame.to_csv(path, index=False)
    assert read_rows(path, CSV, ["c", "a"]) == frame[["c", "a"]].head(100).to_numpy().tolist()


def test_arrays_have_the_first_items_of_numpy(path):
    generator = np.random.default_rng(0)
    arrays = {
        "x": generator.random((30, 4, 6)).astype(np.float32),
        "columns_first": np.asfortranarray(generator.random((30, 3))),
        "y": generator.integers(0, 9, 30),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    previews = [ArrayPreview.model_validate(item) for item in array_items.read_first_items(path)]
    for preview, (name, array) in zip(previews, arrays.items(), strict=True):
        assert (preview.name, preview.shape, preview.type) == (name, [*array.shape], array.dtype.name)
        shown = np.array(preview.items, array.dtype).reshape(30, -1)
        assert np.array_equal(shown, array.reshape(30, -1)[:, :20])


def test_only_the_first_items_of_large_arrays_are_unpacked(path):
    large = {"rows": np.zeros((20, 1 << 17)), "columns": np.zeros((1 << 11, 1 << 11), order="F")}
    with path.open("wb") as file:
        np.savez_compressed(file, **large)
    rows, columns = array_items.read_first_items(path)
    assert len(rows["items"]) == 16
    assert columns["items"] is None


@pytest.mark.parametrize("content", [b"PK", b"PAR1 and no more PAR1"])
def test_a_broken_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(InvalidFileError, match="cannot be read"):
        array_items.read_first_items(path)
    with pytest.raises(InvalidFileError, match="cannot be read"):
        read_rows(path, PARQUET, ["a"])
