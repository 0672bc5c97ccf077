"""How the text of a CSV file becomes a table: the arguments of `pandas.read_csv` that every reader passes."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Delimiter = Literal[",", ";", "\t", "|"]
Decimal = Literal[".", ","]


class CsvFormat(BaseModel):
    """The format of a CSV file.

    Without `header`, the first line is a row, and the columns are called `column_1`, `column_2` and so on. An empty
    field is a missing value. So are the words of `missing_values`, and those that `pandas.read_csv` knows, such as
    `NA`, `None` and `nan`, unless `default_missing_values` is false. `dates` names columns of ISO 8601 dates or
    times.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    delimiter: Delimiter = ","
    decimal: Decimal = "."
    header: bool = True
    missing_values: list[str] = []
    default_missing_values: bool = True
    dates: list[str] = []
    compression: Literal["gzip"] | None = None

    def build_parser_arguments(self) -> dict[str, Any]:
        """Return the arguments of `pandas.read_csv` for the fields of a record, without those that are defaults."""
        arguments: dict[str, Any] = {}
        if self.delimiter != ",":
            arguments["sep"] = self.delimiter
        if self.decimal != ".":
            arguments["decimal"] = self.decimal
        if not self.default_missing_values:
            arguments |= {"keep_default_na": False, "na_values": ["", *self.missing_values]}
        elif self.missing_values:
            arguments["na_values"] = self.missing_values
        return arguments

    def build_file_arguments(self, column_names: Sequence[str]) -> dict[str, Any]:
        """Return the arguments of `pandas.read_csv` for a whole file with these columns."""
        arguments = self.build_parser_arguments()
        if not self.header:
            arguments |= {"header": None, "names": list(column_names)}
        if self.compression is not None:
            arguments["compression"] = self.compression
        return arguments
