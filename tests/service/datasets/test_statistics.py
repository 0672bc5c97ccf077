"""Statistics of columns and arrays, compared with pandas and NumPy."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from service.datasets.dataset_statistics import DatasetStatistics
from service.datasets.inspection import csv_file, npz_file, parquet_file
from service.datasets.inspection.column_statistics import ColumnStatistics
from service.datasets.inspection.value_sample import ColumnSample, ValueSample
from service.datasets.inspection.value_summary import limit_statistics
from tools.describe_builtins import DATASET_NAMES, STATISTICS_FILE, compute_statistics

MEMORY = 2**30


@pytest.fixture(scope="module")
def frame():
    """A table with a column of each kind, with missing values, in which the first text of each word occurs late."""
    generator = np.random.default_rng(7)
    rows = 3000
    frame = pd.DataFrame(
        {
            "height": generator.normal(1.7, 0.1, rows),
            "age": generator.integers(18, 90, rows),
            "grade": generator.integers(1, 7, rows),
            "smokes": generator.random(rows) > 0.8,
            "town": generator.choice(["Bonn", "Köln", "Düren"], rows, p=[0.6, 0.3, 0.1]),
            "id": [f"person {number}" for number in range(rows)],
        }
    )
    frame.loc[::7, "height"] = np.nan
    frame.loc[::11, "town"] = None
    return frame


@pytest.fixture(scope="module", params=["csv", "parquet"])
def statistics(request, frame, tmp_path_factory):
    """The statistics of the table as a file, by the name of the column."""
    path = tmp_path_factory.mktemp("statistics") / "file"
    result = {}
    if request.param == "csv":
        frame.to_csv(path, index=False)
        csv_file.describe_csv(path, MEMORY, max_block_records=700, statistics=result)
    else:
        frame.to_parquet(path)
        parquet_file.describe_parquet(path, MEMORY, result)
    return index_by_name(result)


def index_by_name(result):
    """Validate the result as the server does, and return its parts by their names."""
    validated = DatasetStatistics.model_validate(json.loads(json.dumps(result, allow_nan=False)))
    return {item.name: item for item in validated.columns or validated.arrays}


def read_csv(text, tmp_path, **options):
    (tmp_path / "table.csv").write_text(text)
    result = {}
    csv_file.describe_csv(tmp_path / "table.csv", MEMORY, statistics=result, **options)
    return index_by_name(result)


def list_counts(item):
    return [(entry.value, entry.count) for entry in item.most_frequent]


def assert_histogram_equals(item, values):
    counts, _ = np.histogram(values, bins=np.array(item.histogram.edges))
    assert item.histogram.counts == counts.tolist()
    assert sum(item.histogram.counts) == len(values)
    assert len(item.histogram.counts) <= 20


def assert_moments_equal(item, values):
    moments = [item.mean, item.standard_deviation, item.median]
    assert moments == pytest.approx([np.mean(values), np.std(values), np.median(values)])


class TestTables:
    def test_fractions_have_the_histogram_and_the_moments_of_numpy(self, statistics, frame):
        present = frame["height"].dropna().to_numpy()
        item = statistics["height"]
        assert (item.count, item.missing, item.sampled, item.distinct) == (len(present), 429, None, None)
        assert item.histogram.edges == pytest.approx(np.histogram_bin_edges(present, 20))
        assert_histogram_equals(item, present)
        assert_moments_equal(item, present)

    def test_integers_have_bins_of_equally_many_integers(self, statistics, frame):
        item = statistics["age"]
        assert_histogram_equals(item, frame["age"])
        assert_moments_equal(item, frame["age"])
        assert item.distinct == frame["age"].nunique()
        assert set(np.diff(item.histogram.edges)) == {4.0}
        assert [entry.count for entry in item.most_frequent] == frame["age"].value_counts().head(5).tolist()

    @pytest.mark.parametrize("name", ["grade", "smokes", "town"])
    def test_few_values_are_counted_as_by_pandas(self, statistics, frame, name):
        item = statistics[name]
        assert dict(list_counts(item)) == frame[name].value_counts().to_dict()
        assert [entry.count for entry in item.most_frequent] == frame[name].value_counts().tolist()
        assert (item.missing, item.histogram) == (frame[name].isna().sum(), None)

    def test_ids_have_no_frequent_values(self, statistics):
        item = statistics["id"]
        assert (item.count, item.distinct, item.most_frequent) == (3000, None, [])

    def test_dates_have_a_range_in_iso_8601_and_a_histogram_of_days(self, tmp_path):
        dates = pd.Series(pd.date_range("2024-01-31", periods=400, freq="36h"))
        text = "day\n" + "\n".join(dates.astype(str)) + "\n"
        item = read_csv(text, tmp_path, options=csv_file.CsvOptions(dates=["day"]))["day"]
        assert (item.earliest, item.latest) == ("2024-01-31", "2025-09-20T12:00:00")
        days = (dates - pd.Timestamp("1970-01-01")) / pd.Timedelta("1D")
        assert_histogram_equals(item, days)

    def test_a_column_without_values_has_no_statistics(self, tmp_path):
        item = read_csv("a,b\n,1\n,2\n", tmp_path)["a"]
        assert (item.count, item.missing, item.histogram, item.most_frequent) == (0, 2, None, None)

    @pytest.mark.parametrize("numbers", [["1e308", "-1e308", "0.5"], ["0.5"] * 3, ["5e-324", "1e-323", "0.1"]])
    def test_numbers_at_the_limits_of_float64_are_no_error(self, tmp_path, numbers):
        item = read_csv("a\n" + "\n".join(numbers) + "\n", tmp_path)["a"]
        assert item.count == 3

    def test_long_texts_are_cut(self, tmp_path):
        item = read_csv("a,b\n" + f"{'x' * 500},1\n" * 3, tmp_path)["a"]
        [(text, count)] = list_counts(item)
        assert (len(text), count) == (100, 3)

    def test_mixed_columns_are_counted_as_text(self, tmp_path):
        text = "a\n" + "1\n" * 5 + "x\n" * 3
        item = read_csv(text, tmp_path, max_block_records=4)["a"]
        assert list_counts(item) == [("1", 5), ("x", 3)]


def test_arrays_have_the_histograms_of_numpy(tmp_path):
    generator = np.random.default_rng(3)
    arrays = {
        "image": generator.integers(0, 256, (50, 8, 8), dtype=np.uint8),
        "label": generator.integers(0, 10, 50),
        "weight": generator.random(50).astype(np.float32),
        "flag": generator.random((50, 2)) > 0.3,
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    (tmp_path / "a.npz").write_bytes(content.getvalue())
    result = {}
    npz_file.describe_npz(tmp_path / "a.npz", MEMORY, result)
    statistics = index_by_name(result)
    assert [statistics[name].count for name in arrays] == [array.size for array in arrays.values()]
    for name in ("image", "weight"):
        assert_histogram_equals(statistics[name], arrays[name].ravel())
        assert_moments_equal(statistics[name], arrays[name].astype(np.float64))
    assert dict(list_counts(statistics["label"])) == pd.Series(arrays["label"]).value_counts().to_dict()
    trues = int(arrays["flag"].sum())
    assert dict(list_counts(statistics["flag"])) == {True: trues, False: 100 - trues}


class TestSamples:
    def test_a_sample_has_every_nth_value_of_all_blocks(self):
        sample = ValueSample(100)
        for block in np.split(np.arange(5000), [1, 70, 200, 2000, 2001]):
            sample.add_block(block)
        assert 50 <= len(sample.values) <= 100
        assert (sample.count, sample.is_complete) == (5000, False)
        assert np.array_equal(sample.values, np.arange(0, 5000, 64))

    def test_a_large_column_is_sampled_over_its_whole_length(self):
        values = np.linspace(0.0, 1.0, 300_001)
        column = ColumnStatistics("a", sample=ColumnSample(1))
        for block in np.array_split(values, 7):
            column.add_block("float", 0, block)
        statistics = column.to_statistics(len(values))
        assert 50_000 <= statistics["sampled"] <= 100_000
        assert statistics["median"] == pytest.approx(0.5, abs=1e-4)
        assert np.ptp(statistics["histogram"]["counts"]) <= 2

    def test_frequent_texts_of_many_are_found_in_the_sample(self, tmp_path):
        texts = ["often" if number % 3 == 0 else f"text {number}" for number in range(30_000)]
        pd.DataFrame({"a": texts}).to_parquet(tmp_path / "file")
        result = {}
        parquet_file.describe_parquet(tmp_path / "file", MEMORY, result)
        item = index_by_name(result)["a"]
        [(text, count)] = list_counts(item)
        assert (text, item.distinct) == ("often", None)
        assert count / item.sampled == pytest.approx(1 / 3, abs=0.01)

    def test_the_longest_statistics_of_very_many_columns_are_left_out(self):
        short, long = ({"name": "a" * 10}, {"name": "b" * 2000})
        limited = limit_statistics([long] * 600 + [short])
        assert limited[-1] == short
        assert len(json.dumps(limited)) < 1.1 * 2**20
        assert 500 < len(limited) < 600


@pytest.mark.parametrize("name", DATASET_NAMES)
def test_statistics_of_built_in_datasets_match_scikit_learn(name):
    """If an upgrade of scikit-learn changes them, run `python -m tools.describe_builtins`."""
    assert json.loads(STATISTICS_FILE.read_text())[name] == json.loads(json.dumps(compute_statistics(name)))
