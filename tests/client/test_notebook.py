"""What notebooks give to the client: data frames, and the scalars of NumPy."""

import io

import numpy as np
import pandas as pd
import pytest

from tests.client.test_client import SPEC

FRAME = pd.DataFrame(
    {"code": ["01", "02", None], "size": [1.5, float("nan"), 3.0], "count": [1, 2, 3], "is_new": [True, False, True]},
    index=[7, 8, 9],
)


@pytest.mark.parametrize("media_type", [None, "text/csv"])
def test_a_data_frame_is_uploaded_without_its_index(stackyard, media_type):
    dataset = stackyard.upload(FRAME, name="frame", media_type=media_type)

    columns = {column["name"]: (column["type"], column["missing"]) for column in dataset.description["columns"]}
    codes = ("text", 1) if media_type is None else columns["code"]  # a CSV file has no types
    assert columns == {"code": codes, "size": ("float", 1), "count": ("integer", 0), "is_new": ("boolean", 0)}
    assert stackyard.upload(FRAME, name="frame", media_type=media_type).id == dataset.id


def test_a_data_frame_is_sent_as_csv_where_no_library_writes_parquet(stackyard, monkeypatch):
    def fail(*_arguments, **_options):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    assert stackyard.upload(FRAME, name="frame").media_type == "text/csv"
    with pytest.raises(ImportError):
        stackyard.upload(FRAME, name="frame", media_type="application/vnd.apache.parquet")


def test_a_data_frame_is_of_a_table(stackyard):
    with pytest.raises(ValueError, match="application/x-npz"):
        stackyard.upload(FRAME, name="frame", media_type="application/x-npz")


def test_numpy_scalars_and_arrays_are_numbers_of_a_spec(stackyard):
    training = SPEC["training"] | {"epochs": np.int64(3), "optimizer": {"type": "Adam", "beta_1": np.float32(0.5)}}
    job = stackyard.submit(SPEC | {"training": training, "tags": np.array(["a", "b"])})
    assert (job.spec["training"]["epochs"], job.spec["training"]["optimizer"]["beta_1"]) == (3, 0.5)
    assert job.tags == ["a", "b"]


@pytest.mark.parametrize("value", [float("nan"), np.float64("inf"), np.float32("nan")])
def test_a_spec_without_a_number_is_not_sent(stackyard, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        stackyard.check(SPEC | {"training": {"epochs": value}})


def test_a_value_without_a_json_form_is_named(stackyard):
    with pytest.raises(TypeError, match="BytesIO"):
        stackyard.check(SPEC | {"training": io.BytesIO()})
