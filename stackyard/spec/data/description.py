"""What is known about a dataset before anybody reads its rows again: enough to check a spec against it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_CATEGORIES = 1000
"""The most distinct values that are listed: a column with more can be neither one-hot nor a label."""


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnDescription(_Described):
    """One column of a table.

    `categories` holds the distinct values of the whole column in ascending order, missing ones aside, and is
    None where there are more than `MAX_CATEGORIES` of them, where the lists of all columns together would be
    too long, or where the values are not whole numbers, booleans or text.
    """

    name: str
    type: Literal["integer", "float", "boolean", "text"]
    missing: int
    categories: list[int | bool | str] | None = None
    minimum: float | None = None
    maximum: float | None = None


class TableDescription(_Described):
    """A CSV or Parquet file, or a built-in table: `rows` rows in the order of the file."""

    kind: Literal["table"] = "table"
    rows: int
    columns: list[ColumnDescription]


class ArrayDescription(_Described):
    """One array of an NPZ file; `type` is NumPy's name for it (`uint8`, `float32`).

    `categories` holds the distinct values, ascending, of an integer array of one dimension, with the same limit
    as a column's.
    """

    name: str
    type: str
    shape: list[int]
    categories: list[int] | None = None
    minimum: float | None = None
    maximum: float | None = None


class ArraysDescription(_Described):
    """An NPZ file: named arrays."""

    kind: Literal["arrays"] = "arrays"
    arrays: list[ArrayDescription]


DatasetDescription = Annotated[TableDescription | ArraysDescription, Field(discriminator="kind")]
"""What `describe` found in a dataset; told apart by `kind`."""
