"""A CSV file cut into blocks of whole records, each of which was found to have as many fields as the header."""

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from service.datasets.inspection.invalid_file import Refused, check_names

_BLOCK_BYTES = 16 << 20
_BLOCK_RECORDS = 200_000
_LONGEST_RECORD = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some records under the file's own header: `lines` has the line of the file on which each begins, from 1."""

    data: bytes
    lines: "array[int]"


@dataclass(frozen=True)
class _Record:
    line: int
    raw: bytes
    width: int
    """How many fields it has."""


class CsvRecords:
    """The records of a CSV file: UTF-8, commas, `"` around a field that holds commas or line ends.

    What is a record and what is a blank line is decided as `pandas.read_csv` decides it, which reads a short record
    as one with missing values and a long one as one with an index: here either is refused.

    Args:
        file: open for reading, in bytes.

    Raises:
        Refused: the header is not there, or has names that no spec could say.

    """

    def __init__(self, file: BinaryIO) -> None:
        self._records = _records(_Lines(file))
        header = next(self._records, None)
        if header is None:
            raise Refused("The file is empty; expected a header line and at least one row.")
        self._header = header.raw.rstrip(b"\r\n") + b"\n"
        self.names: list[str] = next(csv.reader([self._header.decode()]))
        check_names(self.names, "column")

    def blocks(self) -> Iterator[Block]:
        """The rest of the file, in blocks of bounded size.

        Raises:
            Refused: a record does not have a field for each name, or is not to be read at all.

        """
        parts, size, lines = [self._header], 0, array("Q")
        for record in self._records:
            self._check_width(record)
            parts.append(record.raw)
            lines.append(record.line)
            size += len(record.raw)
            if size >= _BLOCK_BYTES or len(lines) >= _BLOCK_RECORDS:
                yield Block(b"".join(parts), lines)
                parts, size, lines = [self._header], 0, array("Q")
        if lines:
            yield Block(b"".join(parts), lines)

    def _check_width(self, record: _Record) -> None:
        if record.width != len(self.names):
            raise Refused(
                f"Line {record.line:,} has {record.width:,} {'field' if record.width == 1 else 'fields'}; "
                f"expected {len(self.names):,}, as in the header.",
            )


class _Lines:
    """The lines of a file, each found to be UTF-8; `number` is that of the latest, from 1."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self._file.readline(_LONGEST_RECORD + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if len(line) > _LONGEST_RECORD:
            raise Refused(f"Line {self.number:,} is longer than {_LONGEST_RECORD:,} bytes.")
        if b"\0" in line:
            raise Refused(f"Line {self.number:,} has a NUL byte; expected text in UTF-8.")
        if not line.isascii():
            self._check_utf8(line)
        return line

    def _check_utf8(self, line: bytes) -> None:
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise Refused(f"Line {self.number:,} is not UTF-8, from its byte {error.start + 1:,} on.") from None


def _records(lines: _Lines) -> Iterator[_Record]:
    for line in lines:
        if not line.strip(b" \t\r\n"):
            continue
        if b'"' in line:
            yield _quoted_record(line, lines)
            continue
        if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
            raise Refused(f"Line {lines.number:,} has a carriage return in it; expected lines to end in LF or CR LF.")
        yield _Record(lines.number, line, line.count(b",") + 1)


def _quoted_record(first: bytes, lines: _Lines) -> _Record:
    """The record that begins with this line, in which there are quotation marks, and takes as many as it needs."""
    begin = lines.number
    raw = [first]
    complete = True

    def feed() -> Iterator[str]:
        nonlocal complete
        yield first.decode()
        size = len(first)
        for line in lines:
            raw.append(line)
            size += len(line)
            if size > _LONGEST_RECORD:
                raise Refused(f"The record from line {begin:,} on is longer than {_LONGEST_RECORD:,} bytes.")
            yield line.decode()
        complete = False

    try:
        fields = next(csv.reader(feed()))
    except csv.Error as error:
        raise Refused(f"Line {begin:,} cannot be read: {error}.") from None
    if not complete:
        raise Refused(f"A field in quotation marks, in the record from line {begin:,} on, has no end.")
    return _Record(begin, b"".join(raw), len(fields))
