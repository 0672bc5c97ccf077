"""CSV files of every format: what inspection detects, and that all readers agree with pandas."""

import gzip
import io
import json
import runpy
import sys
import zipfile

import pandas as pd
import pytest

from service.datasets.csv_options import CsvOptions
from service.datasets.dataset_source import CSV, NPZ, PARQUET, FileSource
from service.datasets.inspection import csv_file
from service.datasets.inspection.file_signatures import check_signature
from service.datasets.inspection.invalid_file import InvalidFileError
from stackyard.spec import CsvFormat, TableDescription, check_spec, parse_spec
from stackyard.spec.reading.faults import SpecError
from stackyard.spec.script import DatasetOrigin
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.script.table_rows import write_loading
from worker.preparation import dataset_reader

MEMORY = 2**30
WORDS = b"k,n\nNone,1\nNA,2\nb,?\n,4\n-,5\n"
DAYS = b"day;n\n2024-01-01;1,5\n2024-05-06T12:00:00+02:00;2\n;3\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table"


@pytest.fixture
def describe(path):
    def describe(content, **arguments):
        path.write_bytes(content)
        description = csv_file.describe_csv(path, MEMORY, CsvOptions(**arguments), max_bytes=10**6)
        return TableDescription.model_validate(description)

    return describe


def run_script(description, path):
    """Return the table that the exported script reads."""
    script = ScriptBuilder()
    names = [column.name for column in description.columns]
    write_loading(script, DatasetOrigin("csv"), description, names, "data", 1)
    source = path.with_suffix(".py")
    source.write_text(script.render_script('"""Read a table."""'))
    arguments, sys.argv = sys.argv, ["train.py", str(path)]
    try:
        return runpy.run_path(str(source))["data"]
    finally:
        sys.argv = arguments


@pytest.mark.parametrize(
    ("content", "options", "arguments"),
    [
        (b"size;age\n1;2\n3;4\n", {}, {"sep": ";"}),
        (b"size;y;t\n1,5;2,25;a\n3,5;-4,25;b,c\n", {}, {"sep": ";", "decimal": ","}),
        (b"size;y\n1.5;2\n3.5;4\n", {}, {"sep": ";"}),
        (b"a\tb\tc\n1\t\t2\n\t\t\n\n3\t4\t5\n", {}, {"sep": "\t"}),
        (b'a|b\n"x|y"|1\nz|2\n', {}, {"sep": "|"}),
        (b"a;b,c\nx;y,1\nz;w,2\n", {}, {}),
        (b'a,b\n"1;2",3\n"4;5",6\n', {}, {}),
        (b'a,b\n"1,5",2\n"2,5",3\n', {"decimal": ","}, {"decimal": ","}),
        (b"one;column\nx\ny\nz\n", {}, {}),
        (b"1,5;2\n3,5;4\n", {"header": False}, {"sep": ";", "decimal": ",", "header": None}),
        (b"\xef\xbb\xbf1,2,a\n3,4,b\n", {"header": False}, {"header": None}),
        (b'"","a","y"\n"1",2,0\n"2",3,1\n', {}, {}),
        (b"a,,b,\n1,2,3,4\n", {}, {}),
        (
            gzip.compress(b"a;b\n1;x\n", mtime=0) + gzip.compress(b"2;y\n", mtime=0),
            {},
            {"sep": ";", "compression": "gzip"},
        ),
        (WORDS, {}, {}),
        (WORDS, {"missing_values": ["?", "-"]}, {"na_values": ["?", "-"]}),
        (WORDS, {"default_missing_values": False}, {"keep_default_na": False, "na_values": [""]}),
        (
            WORDS,
            {"default_missing_values": False, "missing_values": ["?"]},
            {"keep_default_na": False, "na_values": ["", "?"]},
        ),
        (b"a,b\n-9,1\n-9.0,-9\n1.5,2\n", {"missing_values": ["-9"]}, {"na_values": ["-9"]}),
        (b"a;b\n1;2\n3;4\n", {"delimiter": ","}, {}),
    ],
)
def test_every_reader_agrees_with_pandas(describe, path, content, options, arguments):
    description = describe(content, **options)
    names = [column.name for column in description.columns]
    header = {"names": names} if arguments.get("header", 0) is None else {}
    expected = pd.read_csv(io.BytesIO(content), **arguments, **header)
    assert names == list(expected.columns)
    assert [column.missing for column in description.columns] == expected.isna().sum().tolist()
    assert description.rows == len(expected)
    table = dataset_reader.read_table_file(path, CSV, description)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    blocks = dataset_reader.read_blocks(FileSource(path, CSV), description, names, 1)
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), expected, check_exact=True)
    pd.testing.assert_frame_equal(run_script(description, path), expected, check_exact=True)


def test_dates_are_days_since_1970_for_every_reader(describe, path):
    description = describe(DAYS, dates=["day"])
    day, n = description.columns
    assert (day.type, day.stored_as, day.missing, day.minimum) == ("float", "date", 1, 19723.0)
    assert (n.type, description.csv) == ("float", CsvFormat(delimiter=";", decimal=",", dates=["day"]))
    table = dataset_reader.read_table_file(path, CSV, description)
    dates = pd.to_datetime(pd.read_csv(io.BytesIO(DAYS), sep=";")["day"], utc=True, format="ISO8601")
    seconds = (dates - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds()
    assert table["day"].tolist()[:2] == (seconds / 86_400).tolist()[:2]
    blocks = dataset_reader.read_blocks(FileSource(path, CSV), description, ["day", "n"], 1)
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), table, check_exact=True)
    pd.testing.assert_frame_equal(run_script(description, path), table, check_exact=True)


def test_times_are_parts_of_a_day_for_every_reader(describe, path):
    description = describe(b"t,n\n,1\n18:00:00,2\n06:00:00.5,3\n", dates=["t"])
    assert description.columns[0].stored_as == "time"
    table = dataset_reader.read_table_file(path, CSV, description)
    assert table["t"].tolist()[1:] == [0.75, (6 * 3600 + 0.5) / 86_400]
    pd.testing.assert_frame_equal(run_script(description, path), table, check_exact=True)


@pytest.mark.parametrize(
    "text", ["13:00:00", "now", "2024", "01/02/2024", "2024-02-30", "2024-01-01T25:00", "10000-01-01"]
)
def test_text_that_is_no_date_is_rejected(describe, text):
    with pytest.raises(InvalidFileError, match="Column 'day'"):
        describe(f"day,n\n2024-01-01,1\n{text},2\n".encode(), dates=["day"])


def test_dates_of_an_unknown_column_are_rejected(describe):
    with pytest.raises(InvalidFileError, match="'when'"):
        describe(b"day,n\n2024-01-01,1\n", dates=["when"])


def test_an_unnamed_column_is_a_feature_only_where_it_is_listed(describe):
    description = describe(b'"","a","y"\n"1",2,0\n"2",3,1\n')
    assert [column.unnamed for column in description.columns] == [True, False, False]
    document = {
        "data": {"dataset": "d", "target": {"column": "y"}},
        "network": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mse", "epochs": 1},
    }
    assert check_spec(parse_spec(json.dumps(document).encode()), description).input_shape == (1,)
    document["data"]["features"] = [{"columns": ["Unnamed: 0", "a"]}]
    assert check_spec(parse_spec(json.dumps(document).encode()), description).input_shape == (2,)


def test_words_that_are_read_as_missing_are_named(describe):
    description = describe(WORDS)
    assert description.columns[0].missing_words == ["None", "NA"]
    document = {
        "data": {"dataset": "d", "target": {"column": "k"}, "features": [{"columns": ["n"], "transform": "ordinal"}]},
        "network": {"layers": [{"type": "Dense", "units": 2}]},
        "training": {"loss": "sparse_categorical_crossentropy", "epochs": 1},
    }
    with pytest.raises(SpecError) as caught:
        check_spec(parse_spec(json.dumps(document).encode()), description)
    [fault] = [fault for fault in caught.value.faults if fault.pointer == "/data/target/column"]
    assert '"None", "NA"' in fault.fix
    assert "default_missing_values=false" in fault.fix


def test_a_ragged_file_is_reported_by_its_own_delimiter(describe):
    with pytest.raises(InvalidFileError, match="Line 4 has 2 fields; expected 3"):
        describe(b"a;b;c\n1;2;3\n4;5;6\n7;8\n9;1;2\n")


def test_a_file_that_decompresses_beyond_the_limit_is_rejected(describe):
    with pytest.raises(InvalidFileError, match="more than 1,000,000 bytes when it is decompressed"):
        describe(gzip.compress(b"\n" * 2_000_000))


@pytest.mark.parametrize("cut", [slice(None, -12), slice(None, 12), slice(None, 2)])
def test_corrupt_compression_is_rejected(describe, cut):
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    with pytest.raises(InvalidFileError, match="gzip"):
        describe(content[cut])


def build_zip(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (build_zip("[Content_Types].xml", "xl/workbook.xml"), CSV, "Excel workbook"),
        (build_zip("[Content_Types].xml", "xl/workbook.xml"), NPZ, "Excel workbook"),
        (build_zip("table.csv"), CSV, "zip archive"),
        (build_zip("x.npy"), CSV, "NPZ"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CSV, "Microsoft Office"),
        ("a,b\n1,2\n".encode("utf-16"), CSV, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-be"), CSV, "UTF-16"),
        (b"PAR1\x15\x04", CSV, "Parquet"),
        (gzip.compress(b"PAR1", mtime=0), PARQUET, "gzip"),
        (b'{"a": 1}\n{"a": 2}\n', CSV, "JSON"),
        (b"<!DOCTYPE html>\n<html>", CSV, "HTML"),
        (b"\x89HDF\r\n\x1a\n", CSV, "HDF5"),
        (b"\x93NUMPY\x01\x00", NPZ, "single NumPy array"),
    ],
)
def test_a_file_of_another_type_is_named(path, content, media_type, name):
    path.write_bytes(content)
    with pytest.raises(InvalidFileError, match=name):
        check_signature(path, media_type)


def test_the_content_of_a_compressed_file_is_recognized_too(describe):
    with pytest.raises(InvalidFileError, match="UTF-16"):
        describe(gzip.compress("a,b\n1,2\n".encode("utf-16")))
