"""Read datasets as described."""

import datetime as dt
import runpy

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import datasets as scikit_learn

from service.datasets import dataset_source
from service.datasets.inspection import csv_file, parquet_file
from stackyard.spec import TableDescription
from stackyard.spec.script import DatasetOrigin
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.script.table_rows import write_loading
from tests.conftest import require_shared_file
from worker.preparation import dataset_reader

MEMORY = 2**30
DESCRIBERS = {dataset_source.CSV: csv_file.describe_csv, dataset_source.PARQUET: parquet_file.describe_parquet}


def read_file(path, media_type=dataset_source.CSV, columns=None):
    description = TableDescription.model_validate(DESCRIBERS[media_type](path, MEMORY))
    return dataset_reader.read_table_file(path, media_type, description, columns)


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "i": generator.integers(-5, 5, 300),
            "f": generator.normal(0, 1e6, 300),
            "b": generator.random(300) < 0.5,
            "t": generator.choice(["a", "b,", 'c"\n'], 300),
        },
    )
    return frame.assign(holes=frame["f"].mask(frame["i"] == 0), gaps=frame["t"].mask(frame["i"] == 1))


@pytest.mark.parametrize("name", ["iris", "red-wine", "concrete", "spotify"])
def test_csv_equals_pandas_default(name):
    path = require_shared_file(f"data/{name}.csv")
    pd.testing.assert_frame_equal(read_file(path), pd.read_csv(path), check_exact=True)


def test_csv_of_every_type_equals_pandas_default(frame, tmp_path):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_file(path), pd.read_csv(path), check_exact=True)


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b'\xef\xbb\xbf"a b",c\n1,2\n')
    assert list(read_file(path).columns) == ["a b", "c"]


def test_parquet_round_trip(frame, tmp_path):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=50)
    pd.testing.assert_frame_equal(read_file(path, dataset_source.PARQUET), frame, check_exact=True)


def test_narrow_types_categories_and_an_index_become_plain_columns(tmp_path):
    path = tmp_path / "table.parquet"
    frame = pd.DataFrame(
        {
            "i": np.array([1, 2], "uint8"),
            "f": np.array([0.1, 0.2], "float32"),
            "t": pd.Categorical(["x", "y"]),
        },
        index=pd.Index([7, 8], name="key"),
    )
    frame.to_parquet(path)
    table = read_file(path, dataset_source.PARQUET)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "i": "int64",
        "f": "float64",
        "t": "str",
        "key": "int64",
    }
    assert table["f"].tolist() == frame["f"].astype("float64").tolist()


def test_dates_times_and_durations_of_parquet_are_days(tmp_path):
    """The exported script has the same values; columns of other types are not read."""
    moment = dt.datetime(2024, 1, 1, 6, 0, 0, 250_000, dt.UTC)
    table = pa.table(
        {
            "day": [moment.date(), None],
            "moment": pa.array([moment, None], pa.timestamp("us", "Europe/Berlin")),
            "precise": pa.array([moment, None], pa.timestamp("ns")),
            "clock": pa.array([dt.time(18), None]),
            "length": pa.array([dt.timedelta(hours=36), None], pa.duration("ms")),
            "lists": pa.array([[1], None]),
        }
    )
    path = tmp_path / "table.parquet"
    pq.write_table(table, path)
    frame = read_file(path, dataset_source.PARQUET)
    day = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(days=1)
    assert frame.iloc[0].to_dict() == {"day": 19723, "moment": day, "precise": day, "clock": 0.75, "length": 1.5}
    assert frame.iloc[1].isna().all()
    description = TableDescription.model_validate(parquet_file.describe_parquet(path, MEMORY))
    script = ScriptBuilder()
    names = [column.name for column in description.columns]
    write_loading(script, DatasetOrigin("parquet"), description, names, "data", 1)
    source = tmp_path / "script.py"
    source.write_text(script.render_script('"""Read a table."""').replace("sys.argv[1]", repr(str(path))))
    pd.testing.assert_frame_equal(runpy.run_path(str(source))["data"], frame, check_exact=True)


@pytest.mark.parametrize("media_type", DESCRIBERS)
def test_columns_have_the_requested_order(frame, tmp_path, media_type):
    path = tmp_path / "table"
    frame.to_csv(path, index=False) if media_type == dataset_source.CSV else frame.to_parquet(path)
    table = read_file(path, media_type, ["t", "i"])
    assert list(table.columns) == ["t", "i"]
    assert table["i"].tolist() == frame["i"].tolist()


def test_arrays_are_unchanged_and_never_unpickled(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, x=np.arange(6, dtype=">u2").reshape(2, 3), odd=np.array([{}], object))
    assert dataset_reader.read_arrays(path, ["x"])["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="allow_pickle"):
        dataset_reader.read_arrays(path, ["odd"])


@pytest.mark.parametrize("name", ["iris", "digits", "wine", "diabetes", "breast_cancer"])
def test_a_built_in_table_equals_scikit_learns(name):
    expected = getattr(scikit_learn, f"load_{name}")(as_frame=True).frame
    pd.testing.assert_frame_equal(dataset_reader.read_builtin(name), expected, check_exact=True)
