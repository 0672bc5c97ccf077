"""Detect the delimiter and the decimal point of a CSV file from its first records."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from service.datasets.csv_options import CsvOptions
from stackyard.spec.data.csv_format import Decimal, Delimiter

SAMPLE_BYTES = 1 << 20
_MAX_RECORDS = 2000
_MIN_SHARE = 0.5
"""The least share of records that have as many fields as the header, for a delimiter to be the right one."""
_POINT_NUMBER = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*")
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*")
_NUMBER = re.compile(r"\s*[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class _Candidate:
    delimiter: Delimiter
    records: Sequence[Sequence[str]]

    @property
    def width(self) -> int:
        """Number of fields of the first record."""
        return len(self.records[0]) if self.records else 0

    @property
    def matching_share(self) -> float:
        """The share of the other records that are as long as the first."""
        others = self.records[1:]
        return sum(len(record) == self.width for record in others) / len(others) if others else 1.0

    @property
    def numeric_share(self) -> float:
        """The share of fields that are numbers."""
        fields = [field for record in self.records for field in record]
        return sum(_NUMBER.fullmatch(field) is not None for field in fields) / max(1, len(fields))


def detect_delimiter(sample: bytes, options: CsvOptions) -> tuple[Delimiter, Decimal]:
    """Return the delimiter and the decimal point that the options give, and otherwise those of the sample.

    A comma is preferred where it fits. Without a header, the delimiter that leaves more numbers is preferred.

    Args:
        sample: the first bytes of the file; the last record may be incomplete.
        options: what the client says.

    """
    text = sample.decode(errors="replace").removeprefix("\ufeff")
    is_complete = len(sample) < SAMPLE_BYTES
    delimiters = get_args(Delimiter) if options.delimiter is None else (options.delimiter,)
    candidates = [_Candidate(delimiter, _parse_records(text, delimiter, is_complete)) for delimiter in delimiters]
    best = (
        candidates[0]
        if len(candidates) == 1
        else _choose_candidate(candidates, has_header=options.header is not False)
    )
    return best.delimiter, options.decimal or _detect_decimal(best)


def _choose_candidate(candidates: Sequence[_Candidate], *, has_header: bool) -> _Candidate:
    fitting = [item for item in candidates if item.width > 1 and item.matching_share >= _MIN_SHARE]
    if fitting:
        # `max` returns the first of equal ones, and the comma is the first candidate.
        return max(fitting, key=lambda item: (item.matching_share, 0 if has_header else item.numeric_share))
    comma = candidates[0]
    return comma if comma.matching_share == 1.0 else max(candidates, key=lambda item: item.width)


def _detect_decimal(candidate: _Candidate) -> Decimal:
    """Return a comma if more fields are numbers with a comma than with a point.

    Where a comma separates the fields, a number with a comma has quotation marks. There the comma may group the digits
    of a large number, so that only a client can tell.
    """
    if candidate.delimiter == ",":
        return "."
    fields = [field for record in candidate.records for field in record]
    commas = sum(_COMMA_NUMBER.fullmatch(field) is not None for field in fields)
    points = sum(_POINT_NUMBER.fullmatch(field) is not None for field in fields)
    return "," if commas > points else "."


def _parse_records(text: str, delimiter: str, is_complete: bool) -> Sequence[Sequence[str]]:
    """Return the first records, without blank lines; none where the text cannot be read so."""
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(field.strip() for field in record) or len(record) > 1:
                records.append(record)
            if len(records) > _MAX_RECORDS:
                return records
    except csv.Error:
        return []
    return records if is_complete else records[:-1]
