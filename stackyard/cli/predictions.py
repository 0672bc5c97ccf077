"""Predictions by a job's network."""

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, connected
from stackyard.cli.command_error import CommandError
from stackyard.cli.jobs import JobId
from stackyard.client import Predictions


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(predict)


def predict(
    job_id: JobId,
    file: Annotated[Path, typer.Argument(help="Rows: a .csv file with a header, or JSON.", metavar="ROWS")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the server's whole answer.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the predictions as CSV.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Predict rows with the network that a job trained. Columns that it does not need may be there."""
    rows = _read(file)
    with connected(url, token) as client:
        if as_csv:
            typer.echo(client.predict_csv(job_id, rows), nl=False)
            return
        answer = client.predict(job_id, rows)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    Console(highlight=False).print(_table(answer))
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for fault in answer.unknown:
        notes.print(f"unknown {fault.pointer}: {fault.sentence}")


def _read(file: Path) -> list[Any] | bytes:
    """CSV as it is; of JSON the array, which may be the whole or stand under `rows`."""
    try:
        content = file.read_bytes()
        if file.suffix.lower() == ".csv":
            return content
        document = json.loads(content)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{file} is neither a .csv file nor JSON: {error}.") from None
    rows = cast("dict[str, Any]", document).get("rows") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise CommandError(f'{file} has no rows: expected a JSON array, or an object with "rows".')
    return cast("list[Any]", rows)


def _table(answer: Predictions) -> Table:
    """A line for each row, counted from 0 as in pointers, with the scores of a classifier's classes."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", style="dim")
    scored = [] if answer.scores is None else [f"score {value}" for value in answer.classes or []]
    named = answer.target if _each_named(answer) else [", ".join(answer.target)]
    for name in [*named, *scored]:
        table.add_column(Text(name), justify="right")
    for place, predicted in enumerate(answer.predictions):
        scores = [] if answer.scores is None else answer.scores[place]
        cells = list(predicted.values()) if _each_named(answer) else [predicted]
        table.add_row(str(place), *(Text(_cell(value)) for value in [*cells, *scores]))
    return table


def _each_named(answer: Predictions) -> bool:
    return bool(answer.predictions) and isinstance(answer.predictions[0], dict)


def _cell(value: object) -> str:
    match value:
        case None:
            return "not finite"
        case float():
            return f"{value:.6g}"
        case list():
            return json.dumps(value)
        case _:
            return str(value)
