"""Commands for datasets."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, open_client_session
from stackyard.cli.terminal import create_console
from stackyard.client import CsvOptions
from stackyard.client.views import Json

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("upload")(upload_dataset)


def upload_dataset(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv, .csv.gz, .parquet or .npz file.")],
    name: Annotated[str, typer.Option(help="The dataset's name in specs; by default the file's name.")] = "",
    delimiter: Annotated[
        str | None, typer.Option(help="Between fields: a comma, ;, | or tab. By default detected.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="A point or a comma. By default detected.")] = None,
    header: Annotated[
        bool | None, typer.Option(help="Whether the first line has the columns' names.", show_default="header")
    ] = None,
    missing_value: Annotated[
        list[str] | None, typer.Option(help="A further word for a missing value, such as ?; repeatable.")
    ] = None,
    default_missing_values: Annotated[
        bool | None,
        typer.Option(help="Whether pandas's words, such as NA and None, are missing values.", show_default="yes"),
    ] = None,
    date: Annotated[list[str] | None, typer.Option(help="A column of ISO 8601 dates; repeatable.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Upload a dataset. The options describe the format of a CSV file."""
    given: dict[str, Any] = {
        "delimiter": delimiter,
        "decimal": decimal,
        "header": header,
        "missing_values": missing_value,
        "default_missing_values": default_missing_values,
        "dates": date,
    }
    csv_options = cast("CsvOptions", {option: value for option, value in given.items() if value not in (None, [])})
    with open_client_session(url, token) as client:
        dataset = client.upload(file, name or _get_stem(file), **csv_options)
    message = f"{dataset.name} version {dataset.version}, {dataset.bytes:,} bytes, id {dataset.id}"
    console = create_console()
    console.print(Text(message), soft_wrap=True)
    if csv_format := dataset.description.get("csv"):
        console.print(Text(_format_csv(csv_format)), soft_wrap=True)


def _get_stem(file: Path) -> str:
    """Return the name of a file without its suffixes: `table` for `table.csv.gz`."""
    return Path(file.stem).stem if file.suffix.lower() == ".gz" else file.stem


def _format_csv(csv_format: Json) -> str:
    """Return the format in which the server reads a CSV file, as a line."""
    delimiter = csv_format["delimiter"]
    parts = [
        f"CSV with {_DELIMITER_NAMES.get(delimiter, delimiter)} between fields",
        f"decimal {_DELIMITER_NAMES.get(csv_format['decimal'], 'points')}",
        "a header" if csv_format["header"] else "no header",
    ]
    if csv_format["missing_values"]:
        parts.append(f"missing values {', '.join(csv_format['missing_values'])}")
    if not csv_format["default_missing_values"]:
        parts.append("none of pandas's missing values")
    if csv_format["dates"]:
        parts.append(f"dates in {', '.join(csv_format['dates'])}")
    return ", ".join(parts)
