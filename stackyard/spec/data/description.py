"""Descriptions of datasets, which are sufficient to check a spec without reading the rows."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec.data.csv_format import CsvFormat

MAX_CATEGORIES = 1000
"""Maximum number of listed categories. A column with more can be neither one-hot encoded nor a label."""


TimeKind = Literal["date", "time", "duration"]
"""A point in time, a time of day, or a length of time. As a number, each is counted in days."""


class _Description(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_none(value: object) -> bool:
    return value is None


def _is_false(value: object) -> bool:
    return value is False


class ColumnDescription(_Description):
    """One column of a table.

    `categories` lists the distinct values of the whole column in ascending order, without missing values. It is
    None if there are more than `MAX_CATEGORIES`, if the lists of all columns together would be too long, or if the
    values are not integers, booleans or text. `rarest_category` is the value with the fewest rows, `rarest_rows`; both
    are None if the categories are not counted, as in descriptions of earlier releases.

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

    @property
    def is_default_feature(self) -> bool:
        """Whether the column is a feature of a spec that lists no features."""
        return not self.unnamed and self.type != "unsupported"


class TableDescription(_Description):
    """A CSV or Parquet file or a built-in table; its columns have the order of the file.

    `csv` is the format in which a CSV file is read. It is None for other files, and for a CSV file of an earlier
    release, which has the default format.
    """

    kind: Literal["table"] = "table"
    rows: int
    columns: list[ColumnDescription]
    csv: Annotated[CsvFormat | None, Field(exclude_if=_is_none)] = None


class ArrayDescription(_Description):
    """One array of an NPZ file; `type` is the name of its NumPy dtype, such as `uint8`.

    `categories` lists the distinct values of a one-dimensional integer array in ascending order, with the same limits
    as those of a column, and with the same meaning of `rarest_category` and `rarest_rows`.
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
