"""Reader that splits a CSV file into blocks of complete records, each with as many fields as the header."""

import csv
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from service.datasets.inspection.invalid_file import InvalidFileError, check_names

MAX_BLOCK_RECORDS = 200_000
_MAX_BLOCK_BYTES = 16 << 20
_MAX_RECORD_BYTES = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class CsvBlock:
    """Records under the file's own header. `lines` has the line number in the file of each record, from 1."""

    data: bytes
    lines: "array[int]"


@dataclass(frozen=True)
class _Record:
    line: int
    raw: bytes
    fields: int
    """Number of fields."""


class CsvReader:
    """The records of a CSV file: UTF-8, commas, `"` around a field that has commas or line ends.

    Records and blank lines are recognized as `pandas.read_csv` does. But pandas reads a short record as one with
    missing values, and a long record as one with an index; here both are rejected.

    Args:
        file: file that is open for reading bytes.
        max_block_records: maximum number of records of a block.

    Raises:
        InvalidFileError: the header is missing, or has names that a spec cannot contain.

    """

    def __init__(self, file: BinaryIO, *, max_block_records: int = MAX_BLOCK_RECORDS) -> None:
        self._max_block_records = max_block_records
        self._records = _read_records(_LineReader(file))
        header = next(self._records, None)
        if header is None:
            raise InvalidFileError("The file is empty; expected a header line and at least one row.")
        self._header = header.raw.rstrip(b"\r\n") + b"\n"
        self.column_names: list[str] = _parse_fields([self._header.decode()], header.line)
        check_names(self.column_names, "column", line=header.line)

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
                f"expected {len(self.column_names):,}, as in the header.",
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
                f"Line {self.number:,} is not UTF-8, from its byte {error.start + 1:,} on."
            ) from None


def _read_records(lines: _LineReader) -> Iterator[_Record]:
    for line in lines:
        if not line.strip(b" \t\r\n"):
            continue
        if b'"' in line:
            yield _read_quoted_record(line, lines)
            continue
        if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
            raise InvalidFileError(
                f"Line {lines.number:,} has a carriage return in it; expected lines to end in LF or CR LF."
            )
        yield _Record(lines.number, line, line.count(b",") + 1)


def _read_quoted_record(first: bytes, lines: _LineReader) -> _Record:
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

    fields = _parse_fields(feed_lines(), first_number)
    if not is_complete:
        raise InvalidFileError(f"A quoted field, in the record from line {first_number:,} on, has no end.")
    return _Record(first_number, b"".join(raw), len(fields))


def _parse_fields(text: Iterable[str], first_number: int) -> list[str]:
    """Return the fields of one record. The limit of the `csv` module, 131,072 characters a field, is raised first.

    Args:
        text: the lines of the record.
        first_number: the number of its first line in the file, from 1.

    Raises:
        InvalidFileError: the record cannot be read.

    """
    csv.field_size_limit(_MAX_RECORD_BYTES)  # of the whole process; set here, because other code may lower it
    try:
        return next(csv.reader(text))
    except csv.Error as error:
        raise InvalidFileError(f"Line {first_number:,} cannot be read: {error}.") from None
