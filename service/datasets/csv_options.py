"""What a client says about the format of a CSV file; the inspection detects the rest."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from stackyard.spec.data.csv_format import CsvFormat, Decimal, Delimiter


class CsvOptions(BaseModel):
    """Options of an upload, as in `CsvFormat`. None leaves the choice to the inspection."""

    model_config = ConfigDict(frozen=True)

    delimiter: Delimiter | None = None
    decimal: Decimal | None = None
    header: bool | None = None
    missing_values: list[str] = []
    default_missing_values: bool | None = None
    dates: list[str] = []

    def build_format(
        self, delimiter: Delimiter, decimal: Decimal, compression: Literal["gzip"] | None = None
    ) -> CsvFormat:
        """Return the format of a file with the detected delimiter, decimal point and compression."""
        return CsvFormat(
            delimiter=delimiter,
            decimal=decimal,
            header=self.header is not False,
            missing_values=self.missing_values,
            default_missing_values=self.default_missing_values is not False,
            dates=self.dates,
            compression=compression,
        )
