"""What is found in a file: in this process, where it is fast, and through the door, where it is safe."""

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
from service.datasets.inspection import csv_file, csv_records, inspect, npz_file, parquet_file
from service.datasets.inspection.invalid_file import Refused
from service.errors import Invalid
from stackyard.spec import ArraysDescription, TableDescription
from tests.conftest import shared

MEMORY = 2**30
KINDS = {"int64": "integer", "float64": "float", "bool": "boolean", "str": "text", "object": "text"}
DESCRIBERS = {dataset_source.CSV: csv_file, dataset_source.PARQUET: parquet_file, dataset_source.NPZ: npz_file}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("inspected") / "file"


@pytest.fixture
def described(place):
    """The description of a file that has these bytes."""

    def described(content, media_type=dataset_source.CSV, memory=MEMORY):
        place.write_bytes(content)
        found = DESCRIBERS[media_type].describe(place, memory)
        return (TableDescription if found["kind"] == "table" else ArraysDescription).model_validate(found)

    return described


@pytest.fixture
def refusal(described):
    """Why a file that has these bytes is refused."""

    def refusal(content, media_type=dataset_source.CSV, memory=MEMORY):
        with pytest.raises(Refused) as refused:
            described(content, media_type, memory)
        return str(refused.value)

    return refusal


def column(description, name):
    [found] = [column for column in description.columns if column.name == name]
    return found


def expected_of(content):
    """Each column's type, missing values and range, as `pandas.read_csv` has them."""
    frame = pd.read_csv(io.BytesIO(content), low_memory=False)
    return {name: _expected(frame[name]) for name in frame.columns}


def _expected(values):
    present = values.dropna()
    kind = KINDS[str(values.dtype)]
    if values.dtype == object:  # booleans of which some are missing
        kind = "boolean"
    numbers = kind in ("integer", "float") and len(present)
    return kind, int(values.isna().sum()), *((present.min(), present.max()) if numbers else (None, None))


def found_in(description):
    """The same of a description; integers of which some are missing are floats to pandas."""
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
    def test_the_types_are_those_of_pandas(self, name):
        path = shared(f"data/{name}.csv")
        description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
        assert found_in(description) == expected_of(path.read_bytes())
        assert description.rows == len(pd.read_csv(path))

    @given(rows=tables(), block=st.integers(1, 4))
    @hypothesis_settings(max_examples=150, deadline=None)
    def test_the_types_are_those_of_pandas_wherever_blocks_end(self, rows, block, place):
        content = "".join(",".join(row) + "\n" for row in rows).encode()
        if any(not any(row) for row in rows):  # a line of nothing, which in a table of one column is no row
            return
        place.write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_records, "_BLOCK_RECORDS", block)
            found = TableDescription.model_validate(csv_file.describe(place, MEMORY))
        assert found_in(found) == expected_of(content)

    def test_a_header_may_hold_what_python_takes_for_the_end_of_a_line(self, described):
        found = described("a\u2028x,b\n1,2\n".encode())
        assert [one.name for one in found.columns] == ["a\u2028x", "b"]

    def test_categories_are_the_distinct_values_in_order(self, described):
        found = described(b"i,t,b,f\n3,b,True,1.5\n1,a,False,2.5\n3,b,True,1.5\n")
        assert column(found, "i").categories == [1, 3]
        assert column(found, "t").categories == ["a", "b"]
        assert column(found, "b").categories == [False, True]
        assert column(found, "f").categories is None

    def test_a_thousand_categories_are_listed_and_one_more_is_not(self, described):
        lines = [b"%d\n" % number for number in range(1001)]
        assert len(column(described(b"n\n" + b"".join(lines[:1000])), "n").categories) == 1000
        assert column(described(b"n\n" + b"".join(lines)), "n").categories is None

    def test_whole_numbers_beyond_64_bits_are_names(self, described):
        found = described(b"id,n\n18446744073709551617,1\n1,2\n")
        assert column(found, "id").type == "text"
        assert column(found, "id").categories == ["1", "18446744073709551617"]

    def test_quotes_line_ends_and_a_byte_order_mark_are_read(self, described):
        found = described(b'\xef\xbb\xbf"a b",c\r\n"x, ""y""\nz",1\r\n\r\nw,2')
        assert column(found, "a b").categories == ["w", 'x, "y"\nz']
        assert found.rows == 2

    @pytest.mark.parametrize(
        ("content", "says"),
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
            (b"a,\n1,2\n", "column 2 is empty"),
            (b"a,b\tc\n1,2\n", "control character"),
            (b"a," + b"x" * 201 + b"\n1,2\n", "201 characters"),
            (b"a\n1\ninf\n", "Column 'a' has an infinite value, or one too large for a 64-bit float, in line 3"),
            (b"a\n1e999\n", "in line 2"),
            (b",".join(b"c%d" % i for i in range(10_001)) + b"\n", "10,001 columns"),
        ],
    )
    def test_what_is_refused_is_refused_at_its_place(self, refusal, content, says):
        assert says in refusal(content)


class TestParquet:
    @staticmethod
    def written(table, **options):
        file = io.BytesIO()
        pq.write_table(pa.table(table), file, **options)
        return file.getvalue()

    def test_columns_are_described_across_row_groups(self, described):
        content = self.written(
            {
                "i": pa.array([3, 1, None, 3], pa.uint8()),
                "f": pa.array([1.5, float("nan"), None, 0.5], pa.float32()),
                "b": [True, False, True, None],
                "t": pa.array(["b", "a", None, "b"]).dictionary_encode(),
            },
            row_group_size=1,
        )
        found = described(content, dataset_source.PARQUET)
        assert [(c.name, c.type, c.missing, c.categories) for c in found.columns] == [
            ("i", "integer", 1, [1, 3]),
            ("f", "float", 2, None),
            ("b", "boolean", 1, [False, True]),
            ("t", "text", 1, ["a", "b"]),
        ]
        assert (column(found, "f").minimum, column(found, "f").maximum) == (0.5, 1.5)

    @pytest.mark.parametrize(
        "values",
        [pd.to_datetime(["2020-01-01"]), pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"x"]), pa.array([None])],
    )
    def test_a_column_of_another_type_is_refused_by_name(self, refusal, values):
        assert "Column 'odd'" in refusal(self.written({"fine": [1], "odd": pa.array(values)}), dataset_source.PARQUET)

    @pytest.mark.parametrize("values", [pa.array([1, 2**63], pa.uint64()), pa.array(["a", "b\0"])])
    def test_a_value_that_has_no_word_elsewhere_is_refused(self, refusal, values):
        assert "Column 'odd'" in refusal(self.written({"odd": values}), dataset_source.PARQUET)

    def test_a_table_that_would_not_fit_is_refused_before_it_is_read(self, refusal):
        content = self.written({"x": pa.array(np.zeros(2_000_000, "int8"))})
        assert len(content) < 10_000
        assert "would take more" in refusal(content, dataset_source.PARQUET, memory=2**20)


class TestNpz:
    @staticmethod
    def written(**arrays):
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    @staticmethod
    def zipped(**members):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)
        return file.getvalue()

    @staticmethod
    def header(text):
        text = text.encode().ljust(118 - 1) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text

    def test_arrays_are_described(self, described):
        found = described(
            self.written(
                x=np.arange(12, dtype=">i4").reshape(3, 4, order="F"), y=np.array([5, 2, 5], "u1"), z=np.ones((3, 1))
            ),
            dataset_source.NPZ,
        )
        assert [(a.name, a.type, a.shape, a.categories, a.minimum, a.maximum) for a in found.arrays] == [
            ("x", "int32", [3, 4], None, 0, 11),
            ("y", "uint8", [3], [2, 5], 2, 5),
            ("z", "float64", [3, 1], None, 1, 1),
        ]

    def test_mnist_is_described(self):
        found = ArraysDescription.model_validate(npz_file.describe(shared("data/mnist.npz"), MEMORY))
        arrays = {array.name: array for array in found.arrays}
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
    def test_an_array_that_cannot_be_used_is_refused_by_name(self, refusal, odd):
        assert "Array 'odd'" in refusal(self.written(fine=np.ones(2), odd=odd), dataset_source.NPZ)

    def test_a_zip_bomb_is_refused_by_what_it_declares(self, refusal):
        content = self.written(bomb=np.zeros(2**26, "u1"))
        assert len(content) < 2**18
        assert "67,108,992 bytes when unpacked" in refusal(content, dataset_source.NPZ, memory=2**25)

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
    def test_a_header_that_lies_is_refused(self, refusal, header):
        assert "Array 'x'" in refusal(self.zipped(x=self.header(header) + bytes(8)), dataset_source.NPZ)


def valid_files():
    words = [f"word {i * i % 37}" for i in range(50)]
    return {
        dataset_source.CSV: ("n,t\n" + "".join(f'{i},"{word}"\n' for i, word in enumerate(words))).encode(),
        dataset_source.PARQUET: TestParquet.written({"n": range(50), "t": words, "f": [i / 7 for i in range(50)]}),
        dataset_source.NPZ: TestNpz.written(x=np.arange(60.0).reshape(20, 3), y=np.arange(20)),
    }


VALID = valid_files()


@pytest.mark.parametrize("media_type", dataset_source.UPLOADED)
@given(data=st.data())
@hypothesis_settings(max_examples=250, deadline=None)
def test_a_damaged_file_is_described_or_refused_and_nothing_else(media_type, place, data):
    content = bytearray(VALID[media_type])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    place.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]))
    try:
        DESCRIBERS[media_type].describe(place, MEMORY)
    except (Refused, MemoryError):
        return


class TestDoor:
    @pytest.mark.parametrize("media_type", dataset_source.UPLOADED)
    def test_a_file_is_described_in_a_process_of_its_own(self, media_type, place, settings):
        place.write_bytes(VALID[media_type])
        found = inspect(place, media_type, settings)
        assert found.model_dump(mode="json") == type(found).model_validate(
            DESCRIBERS[media_type].describe(place, MEMORY),
        ).model_dump(mode="json")

    def test_a_refusal_is_invalid(self, place, settings):
        place.write_bytes(b"a,b\n1\n")
        with pytest.raises(Invalid) as refused:
            inspect(place, dataset_source.CSV, settings)
        [problem] = refused.value.problems
        assert (problem.pointer, "Line 2" in problem.message) == ("", True)

    @pytest.mark.parametrize(("media_type", "least"), [(dataset_source.CSV, 2**28), (dataset_source.PARQUET, 2**28)])
    def test_it_works_in_a_quarter_of_a_gibibyte(self, media_type, least, place, settings):
        place.write_bytes(VALID[media_type])
        assert inspect(place, media_type, settings.model_copy(update={"inspection_memory": least}))

    def test_too_little_memory_is_invalid(self, place, settings):
        place.write_bytes(b"a\n" + b"".join(b'"%d%s"\n' % (i, b"x" * 500) for i in range(60_000)))
        with pytest.raises(Invalid, match=r"memory|could not be read"):
            inspect(place, dataset_source.CSV, settings.model_copy(update={"inspection_memory": 48 << 20}))

    def test_too_little_time_is_invalid(self, place, settings):
        place.write_bytes(b"a,b\n" + b"1,2\n" * 6_000_000)
        with pytest.raises(Invalid, match="within 1 seconds"):
            inspect(place, dataset_source.CSV, settings.model_copy(update={"inspection_timeout_s": 1}))

    def test_the_door_loads_nothing_that_reads_files(self):
        loaded = {"pandas", "numpy", "pyarrow"}
        program = f"import sys, service.datasets.inspection; print(*({loaded!r} & set(sys.modules)))"

        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert result.stdout.split() == []
