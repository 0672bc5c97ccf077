"""Descriptions of datasets, which are sufficient to check a spec without reading the rows."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_CATEGORIES = 1000
"""Maximum number of listed categories. A column with more can be neither one-hot encoded nor a label."""


class _Description(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnDescription(_Description):
    """One column of a table.

    `categories` lists the distinct values of the whole column in ascending order, without missing values. It is
    None if there are more than `MAX_CATEGORIES`, if the lists of all columns together would be too long, or if the
    values are not integers, booleans or text.

    `text_bytes` is the size in bytes of all texts of the column as UTF-8, each counted as often as it occurs. It is
    None for other types, and in descriptions of earlier releases.
    """

    name: str
    type: Literal["integer", "float", "boolean", "text"]
    missing: int
    categories: list[int | bool | str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    text_bytes: int | None = None


class TableDescription(_Description):
    """A CSV or Parquet file or a built-in table; its columns have the order of the file."""

    kind: Literal["table"] = "table"
    rows: int
    columns: list[ColumnDescription]


class ArrayDescription(_Description):
    """One array of an NPZ file; `type` is the name of its NumPy dtype, such as `uint8`.

    `categories` lists the distinct values of a one-dimensional integer array in ascending order, with the same limits
    as those of a column.
    """

    name: str
    type: str
    shape: list[int]
    categories: list[int] | None = None
    minimum: float | None = None
    maximum: float | None = None


class ArraysDescription(_Description):
    """An NPZ file: named arrays."""

    kind: Literal["arrays"] = "arrays"
    arrays: list[ArrayDescription]


DatasetDescription = Annotated[TableDescription | ArraysDescription, Field(discriminator="kind")]
"""The description of a dataset; `kind` tells which."""
