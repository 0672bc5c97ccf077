"""Column types that behave alike on SQLite and PostgreSQL."""

import array
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, LargeBinary
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time with a time zone, stored as UTC. SQLite returns it without a zone; it is then read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a time to UTC. Reject a time without a zone, which is ambiguous.

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
    """Float64 numbers as little-endian bytes, which preserve NaN, the infinities and every bit.

    SQLite converts a NaN in a REAL column to NULL, and JSON cannot represent it.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sequence[float] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _to_little_endian(array.array("d", value)).tobytes()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Sequence[float] | None:
        return None if value is None else self.unpack_rows([value])

    @staticmethod
    def unpack_rows(stored: Iterable[bytes]) -> "array.array[float]":
        """Return the concatenated numbers of many rows, without an object for each row."""
        return _to_little_endian(array.array("d", b"".join(stored)))


def _to_little_endian(numbers: "array.array[float]") -> "array.array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def build_enum(members: type[StrEnum], name: str) -> Enum:
    """Return the type of a column that holds the values of an enumeration, with a check constraint of this name."""
    return Enum(
        members,
        native_enum=False,
        length=16,
        create_constraint=True,
        name=name,
        values_callable=_list_values,
    )


def _list_values(members: type[StrEnum]) -> list[str]:
    """Return the values to store in the column; SQLAlchemy would store the names of the members."""
    return [member.value for member in members]
