"""Column types that mean the same on SQLite and on PostgreSQL."""

import array
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC; SQLite, which has no zones, gives back a naive one that is read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: nobody could say which moment it is.

        Raises:
            ValueError: `value` has no time zone.

        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a time with a zone, received {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Doubles(TypeDecorator[Sequence[float]]):
    """Float64 numbers in little-endian bytes: NaN, the infinities and every last bit come back as they went.

    SQLite turns a NaN in a REAL column into NULL, and JSON has no word for it.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sequence[float] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _little_endian(array.array("d", value)).tobytes()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Sequence[float] | None:
        return None if value is None else self.unpack([value])

    @staticmethod
    def unpack(stored: Iterable[bytes]) -> "array.array[float]":
        """The numbers of many rows one after the other, for whoever reads too many to make an object of each."""
        return _little_endian(array.array("d", b"".join(stored)))


def _little_endian(numbers: "array.array[float]") -> "array.array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
