"""Fields that exceed the limit of Python's `csv` module, which is 131,072 characters, are read or refused by line."""

from io import BytesIO

import pytest

from service.datasets.inspection.csv_file import describe_csv
from service.datasets.inspection.csv_records import CsvReader
from service.datasets.inspection.invalid_file import InvalidFileError

LONG = b"a" * 131_073


@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize(("prefix", "line"), [(b"", 1), (b"\n\n", 3)])
def test_a_long_name_in_the_header_is_refused_with_its_line(quote, prefix, line):
    with pytest.raises(InvalidFileError, match=f"column 2 in line {line} has 131,073 characters"):
        CsvReader(BytesIO(prefix + b"x," + quote + LONG + quote + b"\n1,2\n"))


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_long_field_of_a_row_is_read(quote, tmp_path):
    path = tmp_path / "long.csv"
    path.write_bytes(b"x,y\n1," + quote + LONG + quote + b"\n")
    assert describe_csv(path, 0)["rows"] == 1
