"""The request to the process that reads the first rows, and its response."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec import CsvFormat

MAX_ROWS = 100
"""Maximum number of rows of a preview."""
MAX_COLUMNS = 500
"""Maximum number of columns, or of arrays, of a preview."""

Cell = bool | int | float | str | None
"""A value; None where it is missing. Texts are cut to 200 characters, and dates are ISO 8601."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class PreviewRequest(_Document):
    """What to read: a file, or a built-in dataset."""

    path: str | None = None
    media_type: str | None = None
    builtin: str | None = None
    """The name of a dataset of scikit-learn, without a prefix."""
    csv: CsvFormat | None = None
    columns: list[str] = []
    """The columns to read, in the order of the file; empty for arrays."""
    text_columns: list[str] = []
    """The columns whose values are texts in the whole file, even if the first rows could be numbers."""


class TablePreview(_Document):
    """The first rows of a table, in the order of the file.

    `columns` has at most 500 names, and `columns_left_out` counts the others. There are at most 100 rows, and fewer
    where they are very long.
    """

    kind: Literal["table"] = "table"
    columns: list[str]
    rows: list[list[Cell]]
    total_rows: int
    columns_left_out: int = 0


class ArrayPreview(_Document):
    """The first items of an array along its first axis.

    An item of an array with several axes is the list of its first 20 values in the order of the last axis. `items` is
    null where the order of the file would require to read all of a large array.
    """

    name: str
    type: str
    shape: list[int]
    items: list[bool | int | float | list[bool | int | float]] | None


class ArraysPreview(_Document):
    """The first items of each array. `arrays_left_out` counts the arrays beyond the first 500."""

    kind: Literal["arrays"] = "arrays"
    arrays: list[ArrayPreview]
    arrays_left_out: int = 0


DatasetPreview = Annotated[TablePreview | ArraysPreview, Field(discriminator="kind")]
"""The first rows of a dataset; `kind` tells which document it is."""
