"""A CSV file cut into blocks of whole records, each of which was found to have as many fields as the header."""

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from service.inspection.refusal import Refused, check_names

_BLOCK_BYTES = 16 << 20
_BLOCK_RECORDS = 200_000
_LONGEST_RECORD = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some records under the file's own header: `lines` has the line of the file on which each begins, from 1."""

    data: bytes
    lines: "array[int]"


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
        self._lines = _Lines(file)
        self._records = _records(self._lines)
        _, header = next(self._records, (0, b""))
        if not header:
            raise Refused("The file is empty; expected a header line and at least one row.")
        self._header = header if header.endswith(b"\n") else header + b"\n"
        self.names: list[str] = next(csv.reader(self._header.decode().splitlines(keepends=True)))
        check_names(self.names, "column")

    def blocks(self) -> Iterator[Block]:
        """The rest of the file, in blocks of bounded size.

        Raises:
            Refused: a record does not have a field for each name, or is not to be read at all.

        """
        parts, size, lines = [self._header], 0, array("Q")
        for line, record in self._records:
            self._check_width(line, record)
            parts.append(record)
            lines.append(line)
            size += len(record)
            if size >= _BLOCK_BYTES or len(lines) >= _BLOCK_RECORDS:
                yield Block(b"".join(parts), lines)
                parts, size, lines = [self._header], 0, array("Q")
        if lines:
            yield Block(b"".join(parts), lines)

    def _check_width(self, line: int, record: bytes) -> None:
        fields = record.count(b",") + 1 if b'"' not in record else len(_parse(record))
        if fields != len(self.names):
            raise Refused(
                f"Line {line:,} has {fields:,} {'field' if fields == 1 else 'fields'}; "
                f"expected {len(self.names):,}, as in the header.",
            )
