"""Descriptions of datasets, which are sufficient to check a spec without reading the rows."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec.data.csv_format import CsvFormat

MAX_CATEGORIES = 1000
"""Maximum number of listed categories. A column with more can be neither one-hot encoded nor a label."""


TimeKind = Literal["date", "time", "duration"]
"""A point in time, a time of day, or a length of time. As a number, each is counted in days."""

MAX_EXACT_FLOAT = 2**53
"""The magnitude from which on float64 does not represent every integer."""


class _Description(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _is_none(value: object) -> bool:
    return value is None


def _is_false(value: object) -> bool:
    return value is False


class ColumnDescription(_Description):
    """One column of a table.

    `categories` lists the distinct values of the whole column in ascending order, without missing values. It is
    None if there are more than `MAX_CATEGORIES`, if the lists of all columns together would be too long, or if a value
    is a fraction. Floats that are all whole numbers are listed as integers. `rarest_category` is the value with the
    fewest rows, `rarest_rows`. Both are None if the categories are not counted, as in descriptions of earlier
    releases.

    `is_sorted` is true if the rows have the order of the column's values, ascending or descending, and there are
    several values.

    `text_bytes` is the size in bytes of all texts of the column as UTF-8, each counted as often as it occurs. It is
    None for other types, and in descriptions of earlier releases.
    `stored_as` tells that the file has dates, times or durations, which are read as numbers of days: a date since
    1970-01-01 in UTC, a time since midnight. `missing_words` has words of a text column that are read as missing
    values; it may lack some. An `unnamed` column of a CSV file has the name that pandas gives it, and is a feature
    only if a spec lists it. A column of the type `unsupported` is never read; `reason` says why, and `missing` is 0.
    """

    name: str
    type: Literal["integer", "float", "boolean", "text", "unsupported"]
    missing: int
    categories: list[int | bool | str] | None = None
    rarest_category: int | bool | str | None = None
    rarest_rows: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    text_bytes: Annotated[int | None, Field(exclude_if=_is_none)] = None
    stored_as: Annotated[TimeKind | None, Field(exclude_if=_is_none)] = None
    missing_words: Annotated[list[str] | None, Field(exclude_if=_is_none)] = None
    unnamed: Annotated[bool, Field(exclude_if=_is_false)] = False
    reason: Annotated[str | None, Field(exclude_if=_is_none)] = None
    is_sorted: Annotated[bool, Field(exclude_if=_is_false)] = False

    @property
    def is_default_feature(self) -> bool:
        """Whether the column is a feature of a spec that lists no features."""
        return not self.unnamed and self.type != "unsupported"

    @property
    def has_large_integers(self) -> bool:
        """Whether the column has integers that float64 may not represent exactly."""
        bounds = (self.minimum or 0.0, self.maximum or 0.0)
        return self.type == "integer" and max(map(abs, bounds)) >= MAX_EXACT_FLOAT


class TableDescription(_Description):
    """A CSV or Parquet file or a built-in table; its columns have the order of the file.

    `missing_rows` has the number of rows by the set of columns that lack a value there. A set is a hexadecimal number
    whose bit i, from the lowest, stands for the column at index i. It is None if no value is missing, if there are too
    many sets to list, or in descriptions of earlier releases.

    `csv` is the format in which a CSV file is read. It is None for other files, and for a CSV file of an earlier
    release, which has the default format.
    """

    kind: Literal["table"] = "table"
    rows: int
    columns: list[ColumnDescription]
    missing_rows: Annotated[dict[str, int] | None, Field(exclude_if=_is_none)] = None
    csv: Annotated[CsvFormat | None, Field(exclude_if=_is_none)] = None

    def count_complete_rows(self, names: Collection[str]) -> int | None:
        """Return the number of rows that have a value in all these columns, or None if it is not known."""
        indices = [index for index, column in enumerate(self.columns) if column.missing and column.name in names]
        if len(indices) <= 1:
            return self.rows - sum(self.columns[index].missing for index in indices)
        if self.missing_rows is None:
            return None
        bits = sum(1 << index for index in indices)
        return self.rows - sum(count for columns, count in self.missing_rows.items() if int(columns, 16) & bits)


class ArrayDescription(_Description):
    """One array of an NPZ file; `type` is the name of its NumPy dtype, such as `uint8`.

    `categories` lists the distinct values of a one-dimensional array of whole numbers in ascending order, with the
    same limits as those of a column, and with the same meaning of `rarest_category` and `rarest_rows`.
    """

    name: str
    type: str
    shape: list[int]
    categories: list[int] | None = None
    rarest_category: int | None = None
    rarest_rows: int | None = None
    minimum: float | None = None
    maximum: float | None = None


class ArraysDescription(_Description):
    """An NPZ file: named arrays."""

    kind: Literal["arrays"] = "arrays"
    arrays: list[ArrayDescription]


DatasetDescription = Annotated[TableDescription | ArraysDescription, Field(discriminator="kind")]
"""The description of a dataset; `kind` tells which."""
