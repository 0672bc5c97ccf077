"""Inspection of files: in this process, which is fast, and in a separate process, as in production."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.datasets import dataset_source
from service.datasets.inspection import csv_file, npz_file, parquet_file
from service.datasets.inspection.invalid_file import InvalidFileError
from service.datasets.inspector import inspect_file
from service.errors import InvalidInput
from stackyard.spec import ArraysDescription, TableDescription
from tests.conftest import require_shared_file

MEMORY = 2**30
KINDS = {"int64": "integer", "float64": "float", "bool": "boolean", "str": "text", "object": "text"}
DESCRIBERS = {
    dataset_source.CSV: csv_file.describe_csv,
    dataset_source.PARQUET: parquet_file.describe_parquet,
    dataset_source.NPZ: npz_file.describe_npz,
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("inspected") / "file"


@pytest.fixture
def describe_content(path):
    """Return a function that describes a file with this content."""

    def describe_content(content, media_type=dataset_source.CSV, memory=MEMORY):
        path.write_bytes(content)
        description = DESCRIBERS[media_type](path, memory)
        return (TableDescription if description["kind"] == "table" else ArraysDescription).model_validate(description)

    return describe_content


@pytest.fixture
def get_error(describe_content):
    """Return a function that returns the error of a file with this content."""

    def get_error(content, media_type=dataset_source.CSV, memory=MEMORY):
        with pytest.raises(InvalidFileError) as caught:
            describe_content(content, media_type, memory)
        return str(caught.value)

    return get_error


def get_column(description, name):
    [match] = [column for column in description.columns if column.name == name]
    return match


def infer_with_pandas(content):
    """Return each column's type, missing values and range, as `pandas.read_csv` infers them."""
    frame = pd.read_csv(io.BytesIO(content), low_memory=False)
    return {name: _summarize(frame[name]) for name in frame.columns}


def _summarize(values):
    present = values.dropna()
    kind = KINDS[str(values.dtype)]
    if values.dtype == object:  # booleans of which some are missing
        kind = "boolean"
    numbers = kind in ("integer", "float") and len(present)
    return kind, int(values.isna().sum()), *((present.min(), present.max()) if numbers else (None, None))


def list_columns(description):
    """Return the same for a description; in pandas, integers with missing values are floats."""
    return {
        column.name: (
            "float" if column.type == "integer" and column.missing else column.type,
            column.missing,
            column.minimum,
            column.maximum,
        )
        for column in description.columns
    }


CELLS = st.sampled_from(
    ["", "0", "1", "-7", "2.5", "1e3", "NA", "nan", "True", "False", "x", "é", "1x", "9007199254740993"]
)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    cells = [draw(st.lists(CELLS, min_size=1, max_size=3)) for _ in range(width)]
    rows = [[draw(st.sampled_from(choice)) for choice in cells] for _ in range(draw(st.integers(1, 12)))]
    return [[f"c{i}" for i in range(width)], *rows]


class TestCsv:
    @pytest.mark.parametrize("name", ["iris", "red-wine", "concrete", "spotify"])
    def test_types_match_pandas(self, name):
        path = require_shared_file(f"data/{name}.csv")
        description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
        assert list_columns(description) == infer_with_pandas(path.read_bytes())
        assert description.rows == len(pd.read_csv(path))

    @given(rows=tables(), block=st.integers(1, 4))
    @hypothesis_settings(max_examples=150, deadline=None)
    def test_types_match_pandas_for_any_block_size(self, rows, block, path):
        content = "".join(",".join(row) + "\n" for row in rows).encode()
        if any(not any(row) for row in rows):  # an empty line, which is not a row of a table with one column
            return
        path.write_bytes(content)
        description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY, max_block_records=block))
        assert list_columns(description) == infer_with_pandas(content)

    def test_header_may_contain_unicode_line_separators(self, describe_content):
        description = describe_content("a\u2028x,b\n1,2\n".encode())
        assert [column.name for column in description.columns] == ["a\u2028x", "b"]

    def test_categories_are_the_sorted_distinct_values(self, describe_content):
        description = describe_content(b"i,t,b,f\n3,b,True,1.5\n1,a,False,2.5\n3,b,True,1.5\n")
        assert get_column(description, "i").categories == [1, 3]
        assert get_column(description, "t").categories == ["a", "b"]
        assert get_column(description, "b").categories == [False, True]
        assert get_column(description, "f").categories is None

    def test_the_rarest_category_is_counted_over_all_blocks(self, path):
        path.write_bytes(b"a,b,c\nx,1,\ny,1,\ny,2,\nx,2,\nz,1,\n")
        for block in (2, 100):
            columns = csv_file.describe_csv(path, MEMORY, max_block_records=block)["columns"]
            rarest = [(column["rarest_category"], column["rarest_rows"]) for column in columns]
            assert rarest == [("z", 1), (2, 2), (None, None)]

    def test_at_most_a_thousand_categories_are_listed(self, describe_content):
        lines = [b"%d\n" % number for number in range(1001)]
        assert len(get_column(describe_content(b"n\n" + b"".join(lines[:1000])), "n").categories) == 1000
        assert get_column(describe_content(b"n\n" + b"".join(lines)), "n").categories is None

    def test_texts_have_their_size_as_often_as_they_occur(self, describe_content):
        description = describe_content("n,t\n1,ä\n2,ä\n3,\n4,abc\n".encode())
        assert get_column(description, "t").text_bytes == 2 + 2 + 3
        assert get_column(description, "n").text_bytes is None

    def test_integers_beyond_64_bits_are_text(self, describe_content):
        description = describe_content(b"id,n\n18446744073709551617,1\n1,2\n")
        assert get_column(description, "id").type == "text"
        assert get_column(description, "id").categories == ["1", "18446744073709551617"]

    def test_quotes_line_ends_and_byte_order_mark_are_parsed(self, describe_content):
        description = describe_content(b'\xef\xbb\xbf"a b",c\r\n"x, ""y""\nz",1\r\n\r\nw,2')
        assert get_column(description, "a b").categories == ["w", 'x, "y"\nz']
        assert description.rows == 2

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "empty"),
            (b"\n\n", "empty"),
            (b"a,b\n", "no rows"),
            (b"a,b\n1,2\n3\n", "Line 3 has 1 field; expected 2"),
            (b"a,b\n1,2,3\n", "Line 2 has 3 fields; expected 2"),
            (b'a,b\n"x\ny",2\n1\n', "Line 4 has 1 field"),
            (b"a,b\n1,2\n\xff,3\n", "Line 3 is not UTF-8"),
            (b"a,b\n1,\x002\n", "Line 2 has a NUL"),
            (b"\x7fELF\x02\x01\x01\x00", "NUL"),
            (b"a,b\r1,2\r", "Line 1 has a carriage return"),
            (b'a,b\n"x,2\n3,4\n', "from line 2 on, has no end"),
            (b"a,a\n1,2\n", "two columns named 'a'"),
            (b"a, \n1,2\n", "column 2 in line 1 is empty"),
            (b"a,b\tc\n1,2\n", "control character"),
            (b"a," + b"x" * 201 + b"\n1,2\n", "201 characters"),
            (b"a\n1\ninf\n", "Column 'a' has an infinite value, or one too large for a 64-bit float, in line 3"),
            (b"a\n1e999\n", "in line 2"),
            (b",".join(b"c%d" % i for i in range(10_001)) + b"\n", "10,001 columns"),
        ],
    )
    def test_invalid_file_is_rejected_with_its_location(self, get_error, content, message):
        assert message in get_error(content)


class TestParquet:
    @staticmethod
    def build_file(table, **options):
        file = io.BytesIO()
        pq.write_table(pa.table(table), file, **options)
        return file.getvalue()

    def test_statistics_cover_all_row_groups(self, describe_content):
        content = self.build_file(
            {
                "i": pa.array([3, 1, None, 3], pa.uint8()),
                "f": pa.array([1.5, float("nan"), None, 0.5], pa.float32()),
                "b": [True, False, True, None],
                "t": pa.array(["b", "a", None, "b"]).dictionary_encode(),
            },
            row_group_size=1,
        )
        description = describe_content(content, dataset_source.PARQUET)
        assert [(c.name, c.type, c.missing, c.categories) for c in description.columns] == [
            ("i", "integer", 1, [1, 3]),
            ("f", "float", 2, None),
            ("b", "boolean", 1, [False, True]),
            ("t", "text", 1, ["a", "b"]),
        ]
        assert (get_column(description, "f").minimum, get_column(description, "f").maximum) == (0.5, 1.5)

    @pytest.mark.parametrize(
        "values",
        [
            pa.array([[1]]),
            pa.array([{"a": 1}]),
            pa.array([b"x"]),
            pa.array([None]),
            pa.array([10**9], pa.date32()),
            pa.array([5], pa.time64("ns")),
        ],
    )
    def test_column_of_an_unsupported_type_is_described_with_a_reason(self, describe_content, values):
        description = describe_content(self.build_file({"odd": values, "fine": [1]}), dataset_source.PARQUET)
        odd, fine = description.columns
        assert (odd.name, odd.type, fine.type) == ("odd", "unsupported", "integer")
        assert odd.reason
        assert not odd.is_default_feature

    def test_file_without_a_readable_column_is_rejected(self, get_error):
        assert "'odd' has values of type list" in get_error(
            self.build_file({"odd": pa.array([[1]])}), dataset_source.PARQUET
        )

    @pytest.mark.parametrize("values", [pa.array([1, 2**63], pa.uint64()), pa.array(["a", "b\0"])])
    def test_unrepresentable_value_is_rejected(self, get_error, values):
        assert "Column 'odd'" in get_error(self.build_file({"odd": values}), dataset_source.PARQUET)

    def test_table_too_large_for_memory_is_rejected_before_it_is_read(self, get_error):
        content = self.build_file({"x": pa.array(np.zeros(2_000_000, "int8"))})
        assert len(content) < 10_000
        assert "would take more" in get_error(content, dataset_source.PARQUET, memory=2**20)


class TestNpz:
    @staticmethod
    def build_file(**arrays):
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    @staticmethod
    def build_zip(**members):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)
        return file.getvalue()

    @staticmethod
    def build_header(text):
        text = text.encode().ljust(118 - 1) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text

    def test_arrays_are_described(self, describe_content):
        description = describe_content(
            self.build_file(
                x=np.arange(12, dtype=">i4").reshape(3, 4, order="F"), y=np.array([5, 2, 5], "u1"), z=np.ones((3, 1))
            ),
            dataset_source.NPZ,
        )
        assert [(a.name, a.type, a.shape, a.categories, a.minimum, a.maximum) for a in description.arrays] == [
            ("x", "int32", [3, 4], None, 0, 11),
            ("y", "uint8", [3], [2, 5], 2, 5),
            ("z", "float64", [3, 1], None, 1, 1),
        ]

    def test_mnist_is_described(self):
        description = ArraysDescription.model_validate(
            npz_file.describe_npz(require_shared_file("data/mnist.npz"), MEMORY)
        )
        arrays = {array.name: array for array in description.arrays}
        assert arrays["x_train"].shape == [60000, 28, 28]
        assert (arrays["x_train"].minimum, arrays["x_train"].maximum) == (0, 255)
        assert arrays["y_test"].categories == list(range(10))

    @pytest.mark.parametrize(
        "odd",
        [
            np.array([{}], object),
            np.zeros(2, [("a", "i4")]),
            np.zeros(2, [("é", "i4")]),
            np.array(["text"]),
            np.array([b"bytes"]),
            np.zeros(2, "complex64"),
            np.array(["2020-01-01"], "datetime64[D]"),
            np.zeros((0, 3)),
            np.array([1.0, np.nan]),
            np.array([1.0, -np.inf]),
        ],
    )
    def test_unusable_array_is_rejected_by_name(self, get_error, odd):
        assert "Array 'odd'" in get_error(self.build_file(fine=np.ones(2), odd=odd), dataset_source.NPZ)

    def test_zip_bomb_is_rejected_by_its_declared_size(self, get_error):
        content = self.build_file(bomb=np.zeros(2**26, "u1"))
        assert len(content) < 2**18
        assert "67,108,992 bytes when unpacked" in get_error(content, dataset_source.NPZ, memory=2**25)

    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': " + "(" * 60 + ")" * 60,
            "__import__('os').system('true')",
            "",
        ],
    )
    def test_false_or_malicious_header_is_rejected(self, get_error, header):
        assert "Array 'x'" in get_error(self.build_zip(x=self.build_header(header) + bytes(8)), dataset_source.NPZ)


def valid_files():
    words = [f"word {i * i % 37}" for i in range(50)]
    return {
        dataset_source.CSV: ("n,t\n" + "".join(f'{i},"{word}"\n' for i, word in enumerate(words))).encode(),
        dataset_source.PARQUET: TestParquet.build_file({"n": range(50), "t": words, "f": [i / 7 for i in range(50)]}),
        dataset_source.NPZ: TestNpz.build_file(x=np.arange(60.0).reshape(20, 3), y=np.arange(20)),
    }


VALID = valid_files()


def test_a_parquet_file_with_a_column_name_that_is_no_utf_8_is_refused(path):
    path.write_bytes(TestParquet.build_file({"column": [1, 2]}).replace(b"column", b"\xee" * 6))
    with pytest.raises(InvalidFileError, match="cannot be read as Parquet"):
        DESCRIBERS[dataset_source.PARQUET](path, MEMORY)


@pytest.mark.parametrize("media_type", dataset_source.UPLOAD_MEDIA_TYPES)
@given(data=st.data())
@hypothesis_settings(max_examples=250, deadline=None)
def test_corrupt_file_is_described_or_rejected_without_other_errors(media_type, path, data):
    content = bytearray(VALID[media_type])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]))
    try:
        DESCRIBERS[media_type](path, MEMORY)
    except (InvalidFileError, MemoryError):
        return


class TestSeparateProcess:
    @pytest.mark.parametrize("media_type", dataset_source.UPLOAD_MEDIA_TYPES)
    def test_description_equals_that_of_this_process(self, media_type, path, settings):
        path.write_bytes(VALID[media_type])
        description = inspect_file(path, media_type, settings).description
        assert description.model_dump(mode="json") == type(description).model_validate(
            DESCRIBERS[media_type](path, MEMORY),
        ).model_dump(mode="json")

    def test_invalid_file_raises_invalid_input(self, path, settings):
        path.write_bytes(b"a,b\n1\n")
        with pytest.raises(InvalidInput) as caught:
            inspect_file(path, dataset_source.CSV, settings)
        [fault] = caught.value.faults
        assert (fault.pointer, "Line 2" in fault.message) == ("", True)

    @pytest.mark.parametrize(("media_type", "memory"), [(dataset_source.CSV, 2**28), (dataset_source.PARQUET, 2**28)])
    def test_small_file_needs_at_most_256_mebibytes(self, media_type, memory, path, settings):
        path.write_bytes(VALID[media_type])
        assert inspect_file(path, media_type, settings.model_copy(update={"inspection_memory": memory}))

    def test_too_little_memory_raises_invalid_input(self, path, settings):
        path.write_bytes(b"a\n" + b"".join(b'"%d%s"\n' % (i, b"x" * 500) for i in range(60_000)))
        with pytest.raises(InvalidInput, match=r"memory|could not be read"):
            inspect_file(path, dataset_source.CSV, settings.model_copy(update={"inspection_memory": 48 << 20}))

    def test_too_little_time_raises_invalid_input(self, path, settings):
        path.write_bytes(b"a,b\n" + b"1,2\n" * 6_000_000)
        with pytest.raises(InvalidInput, match="within 1 seconds"):
            inspect_file(path, dataset_source.CSV, settings.model_copy(update={"inspection_timeout_s": 1}))

    def test_caller_loads_no_library_that_reads_files(self):
        loaded = {"pandas", "numpy", "pyarrow"}
        program = f"import sys, service.datasets.inspector; print(*({loaded!r} & set(sys.modules)))"

        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert result.stdout.split() == []


class TestRepeatedTexts:
    @pytest.mark.parametrize("distinct", [1, 2000])
    def test_a_dictionary_s_texts_have_their_size_in_memory(self, distinct, describe_content, path):
        texts = pa.array([f"{index:04}" * 200 for index in range(distinct)])
        codes = pa.array([*range(distinct), None] * (10_000 // distinct), pa.int32())
        pq.write_table(pa.table({"t": pa.DictionaryArray.from_arrays(codes, texts)}), path)
        column = describe_content(path.read_bytes(), dataset_source.PARQUET).columns[0]
        assert path.stat().st_size < 1_000_000
        assert (column.text_bytes, column.missing) == (800 * 10_000, 10_000 // distinct)
