"""Reader that splits a CSV file into blocks of complete records, each with as many fields as the header."""

import csv
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from service.datasets.inspection.invalid_file import InvalidFileError, check_names
from stackyard.spec.data.csv_format import CsvFormat

MAX_BLOCK_RECORDS = 200_000
_MAX_BLOCK_BYTES = 16 << 20
_MAX_RECORD_BYTES = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF8_FIX = "save it as UTF-8 (in Excel: “CSV UTF-8”), or convert it with `iconv -t UTF-8`"


@dataclass(frozen=True)
class CsvBlock:
    """Records under a header line. `lines` has the line number in the file of each record, from 1."""

    data: bytes
    lines: "array[int]"


@dataclass(frozen=True)
class _Record:
    line: int
    raw: bytes
    fields: int
    """Number of fields."""


class CsvReader:
    """The records of a CSV file: UTF-8, a delimiter, `"` around a field that has delimiters or line ends.

    Records and blank lines are recognized as `pandas.read_csv` does. But pandas reads a short record as one with
    missing values, and a long record as one with an index; here both are rejected. A column without a name gets the
    name that pandas gives it, such as `Unnamed: 0`.

    Args:
        file: file that is open for reading bytes.
        csv_format: its delimiter, and whether it has a header.
        max_block_records: maximum number of records of a block.

    Raises:
        InvalidFileError: the header is missing, or has names that a spec cannot contain.

    """

    def __init__(
        self, file: BinaryIO, csv_format: CsvFormat | None = None, *, max_block_records: int = MAX_BLOCK_RECORDS
    ) -> None:
        csv_format = csv_format or CsvFormat()
        self._max_block_records = max_block_records
        self._has_header = csv_format.header
        self._records = _read_records(_LineReader(file), csv_format.delimiter)
        self.unnamed: frozenset[str] = frozenset()
        """The names of columns that have none in the file."""
        first = next(self._records, None)
        if first is None:
            raise InvalidFileError("The file is empty; expected a header line and at least one row.")
        if csv_format.header:
            self._header = first.raw.rstrip(b"\r\n") + b"\n"
            self._read_names(_parse_fields([self._header.decode()], first.line, csv_format.delimiter), first.line)
        else:
            self._records = chain([first], self._records)
            self.column_names = [f"column_{number}" for number in range(1, first.fields + 1)]
            check_names(self.column_names, "column")
            self._header = csv_format.delimiter.join(self.column_names).encode() + b"\n"

    def _read_names(self, fields: list[str], line: int) -> None:
        self.column_names = [name or f"Unnamed: {index}" for index, name in enumerate(fields)]
        self.unnamed = frozenset(name for name, field in zip(self.column_names, fields, strict=True) if field == "")
        check_names(self.column_names, "column", line=line)

    def iterate_blocks(self) -> Iterator[CsvBlock]:
        """Iterate over the records in blocks of bounded size.

        Raises:
            InvalidFileError: a record cannot be read, or does not have as many fields as the header.

        """
        parts, size, lines = [self._header], 0, array("Q")
        for record in self._records:
            self._check_field_count(record)
            parts.append(record.raw)
            lines.append(record.line)
            size += len(record.raw)
            if size >= _MAX_BLOCK_BYTES or len(lines) >= self._max_block_records:
                yield CsvBlock(b"".join(parts), lines)
                parts, size, lines = [self._header], 0, array("Q")
        if lines:
            yield CsvBlock(b"".join(parts), lines)

    def _check_field_count(self, record: _Record) -> None:
        if record.fields != len(self.column_names):
            raise InvalidFileError(
                f"Line {record.line:,} has {record.fields:,} {'field' if record.fields == 1 else 'fields'}; "
                f"expected {len(self.column_names):,}, as in the {'header' if self._has_header else 'first line'}.",
            )


class _LineReader:
    """Iterator over the lines of a file. It checks that each is UTF-8. `number` is that of the latest line, from 1."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self._file.readline(_MAX_RECORD_BYTES + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if len(line) > _MAX_RECORD_BYTES:
            raise InvalidFileError(f"Line {self.number:,} is longer than {_MAX_RECORD_BYTES:,} bytes.")
        if b"\0" in line:
            raise InvalidFileError(f"Line {self.number:,} has a NUL byte; expected text in UTF-8.")
        if not line.isascii():
            self._check_utf8(line)
        return line

    def _check_utf8(self, line: bytes) -> None:
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise InvalidFileError(
                f"Line {self.number:,} is not UTF-8, from its byte {error.start + 1:,} on: {_UTF8_FIX}."
            ) from None


def _read_records(lines: _LineReader, delimiter: str) -> Iterator[_Record]:
    delimiter_byte = delimiter.encode()
    blank_bytes = b" \t\r\n".replace(delimiter_byte, b"")
    for line in lines:
        if not line.strip(blank_bytes):
            continue
        if b'"' in line:
            yield _read_quoted_record(line, lines, delimiter)
            continue
        if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
            raise InvalidFileError(
                f"Line {lines.number:,} has a carriage return in it; expected lines to end in LF or CR LF."
            )
        yield _Record(lines.number, line, line.count(delimiter_byte) + 1)


def _read_quoted_record(first: bytes, lines: _LineReader, delimiter: str) -> _Record:
    """Read the record that begins with this line, which has quotation marks, and as many more lines as it needs."""
    first_number = lines.number
    raw = [first]
    is_complete = True

    def feed_lines() -> Iterator[str]:
        nonlocal is_complete
        yield first.decode()
        size = len(first)
        for line in lines:
            raw.append(line)
            size += len(line)
            if size > _MAX_RECORD_BYTES:
                raise InvalidFileError(
                    f"The record from line {first_number:,} on is longer than {_MAX_RECORD_BYTES:,} bytes."
                )
            yield line.decode()
        is_complete = False

    fields = _parse_fields(feed_lines(), first_number, delimiter)
    if not is_complete:
        raise InvalidFileError(f"A quoted field, in the record from line {first_number:,} on, has no end.")
    return _Record(first_number, b"".join(raw), len(fields))


def _parse_fields(text: Iterable[str], first_number: int, delimiter: str) -> list[str]:
    """Return the fields of one record. The limit of the `csv` module, 131,072 characters a field, is raised first.

    Args:
        text: the lines of the record.
        first_number: the number of its first line in the file, from 1.
        delimiter: between the fields.

    Raises:
        InvalidFileError: the record cannot be read.

    """
    csv.field_size_limit(_MAX_RECORD_BYTES)  # of the whole process; set here, because other code may lower it
    try:
        return next(csv.reader(text, delimiter=delimiter))
    except csv.Error as error:
        raise InvalidFileError(f"Line {first_number:,} cannot be read: {error}.") from None
