"""Commands for datasets."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.input_files import STANDARD_INPUT, open_dataset
from stackyard.cli.output.dataset_contents import print_contents, print_preview
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table, shorten_ids
from stackyard.cli.output.units import format_bytes
from stackyard.cli.references import (
    DatasetReference,
    InProject,
    IsConfirmed,
    IsMine,
    Owner,
    choose_owner,
    confirm_deletion,
)
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import CsvOptions
from stackyard.client.views import Json

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_PAGE_SIZE = 100


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("upload")(upload_dataset)
    group = typer.Typer(help="List, show and delete datasets.", no_args_is_help=True)
    group.command("list")(list_datasets)
    group.command("show")(show_dataset)
    group.command("delete")(delete_dataset)
    app.add_typer(group, name="datasets")


def upload_dataset(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .csv, .tsv, .csv.gz, .parquet or .npz file; `-` reads such a file from standard input.",
            allow_dash=True,
        ),
    ],
    name: Annotated[
        str, typer.Option(help="The dataset's name in specs; by default the file's name. Standard input needs one.")
    ] = "",
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
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
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
    name = name or _choose_name(file)
    with open_client_session(url, token, token_file) as client, open_dataset(file) as (opened, media_type):
        dataset = client.upload(opened, name, media_type, **csv_options)
    if as_json:
        print_json(dataset)
        return
    console = create_console()
    message = f"{dataset.name} version {dataset.version}, {format_bytes(dataset.bytes)}, id {dataset.id}"
    console.print(Text(message), soft_wrap=True)
    if csv_format := dataset.description.get("csv"):
        console.print(Text(_format_csv(csv_format)), soft_wrap=True)


def list_datasets(
    name: Annotated[str | None, typer.Option(help="Only the versions of this dataset.")] = None,
    owner: Owner = None,
    mine: IsMine = False,
    project: InProject = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of datasets to list.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """List datasets, newest first."""
    with open_client_session(url, token, token_file) as client:
        filters = {"name": name, "owner": choose_owner(owner, is_mine=mine), "project": project}
        datasets = list(islice(client.datasets(**filters, limit=min(limit, _PAGE_SIZE)), limit))
    if as_json:
        print_json(datasets)
        return
    ids = [dataset.id for dataset in datasets]
    if create_console().is_terminal:
        ids = shorten_ids(ids)
    rows = [
        [
            dataset_id,
            dataset.name,
            str(dataset.version),
            format_bytes(dataset.bytes),
            dataset.media_type,
            format_time(dataset.created_at),
        ]
        for dataset_id, dataset in zip(ids, datasets, strict=True)
    ]
    print_table(["id", "name", "version", "size", "type", "created"], rows)


def show_dataset(
    dataset: DatasetReference,
    rows: Annotated[int, typer.Option(min=0, max=100, help="Also print as many of the first rows.")] = 0,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Show a dataset: its columns or arrays, with types, missing values, ranges, histograms and frequent values."""
    with open_client_session(url, token, token_file) as client:
        details = client.find_dataset(dataset)
        statistics = client.dataset_statistics(details.id)
        preview = client.preview_dataset(details.id, rows=rows) if rows else None
    if as_json:
        extras = {"statistics": statistics} | ({} if preview is None else {"preview": preview})
        print_json(details.model_dump(mode="json", by_alias=True) | extras)
        return
    number_of_rows = details.description.get("rows")
    summary = f"{details.name} version {details.version}, {format_bytes(details.bytes)}"
    count = "" if number_of_rows is None else f", {number_of_rows:,} rows"
    console = create_console()
    console.print(Text(f"{summary}{count}, id {details.id}"), soft_wrap=True)
    print_contents(details, statistics)
    if message := statistics.get("message"):
        console.print(Text(message), soft_wrap=True)
    if preview is not None:
        console.print()
        print_preview(preview)


def delete_dataset(
    dataset: DatasetReference,
    is_confirmed: IsConfirmed = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Delete one version of a dataset that no waiting or running job uses."""
    with open_client_session(url, token, token_file) as client:
        details = client.find_dataset(dataset)
        title = strip_control_characters(f"{details.name} version {details.version} {details.id}")
        confirm_deletion(f"the dataset {title}", is_confirmed=is_confirmed)
        client.delete_dataset(details.id)
    if as_json:
        print_json({"deleted": details.id})
    else:
        typer.echo(f"deleted {title}")


def _choose_name(file: Path) -> str:
    """Return the name of a file without its suffixes: `table` for `table.csv.gz`.

    Raises:
        CommandError: the file is standard input, which has no name.

    """
    if file == STANDARD_INPUT:
        raise CommandError("Standard input has no file name: give the dataset's name with --name.")
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
