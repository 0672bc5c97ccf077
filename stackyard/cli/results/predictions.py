"""`stackyard predict`: predictions of a job's network."""

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.input_files import STANDARD_INPUT, name_input, read_input
from stackyard.cli.references import JobReference
from stackyard.cli.terminal import create_console, print_document
from stackyard.client import Predictions


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("predict")(predict_rows)


def predict_rows(
    job: JobReference,
    file: Annotated[
        Path,
        typer.Argument(
            help="Rows: a .csv file with a header, or JSON; `-` reads either from standard input.",
            metavar="ROWS",
            allow_dash=True,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the server's whole answer as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the predictions as CSV.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Predict rows with a job's trained network. Columns that the network does not use are ignored."""
    rows = _read_rows(file)
    with open_client_session(url, token, token_file) as client:
        job_id = client.find_job_id(job)
        if as_csv:
            print_document(client.predict_csv(job_id, rows))
            return
        answer = client.predict(job_id, rows)
    if as_json:
        print_document(f"{answer.model_dump_json(indent=2)}\n")
        return
    create_console().print(_build_prediction_table(answer))
    notes = create_console(stderr=True, markup=False, soft_wrap=True)
    for fault in answer.unknown:
        notes.print(f"unknown {fault.pointer}: {fault.sentence}")


def _read_rows(file: Path) -> list[Any] | bytes:
    """Return the bytes of a CSV file, or the rows of a JSON file: its array, or the array under `rows`."""
    try:
        content = read_input(file)
        if _is_csv(file, content):
            return content
        document = json.loads(content)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{name_input(file)} is neither a .csv file nor JSON: {error}.") from None
    rows = cast("dict[str, Any]", document).get("rows") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise CommandError(f'{name_input(file)} has no rows: expected a JSON array, or an object with "rows".')
    return cast("list[Any]", rows)


def _is_csv(file: Path, content: bytes) -> bool:
    """Return whether a file is named as CSV, or standard input does not begin as JSON."""
    if file == STANDARD_INPUT:
        return not content.lstrip().startswith((b"{", b"["))
    return file.suffix.lower() in {".csv", ".tsv"}


def _build_prediction_table(answer: Predictions) -> Table:
    """Build a table with a line for each row, numbered from 0 as in pointers, and a classifier's scores."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", style="dim")
    score_titles = [] if answer.scores is None else [f"score {value}" for value in answer.classes or []]
    target_titles = answer.target if _is_by_target(answer) else [", ".join(answer.target)]
    for title in [*target_titles, *score_titles]:
        table.add_column(Text(title), justify="right")
    for index, prediction in enumerate(answer.predictions):
        scores = [] if answer.scores is None else answer.scores[index]
        values = list(prediction.values()) if _is_by_target(answer) else [prediction]
        table.add_row(str(index), *(Text(_format_value(value)) for value in [*values, *scores]))
    return table


def _is_by_target(answer: Predictions) -> bool:
    """Return whether each prediction is an object with a value for each target column."""
    return bool(answer.predictions) and isinstance(answer.predictions[0], dict)


def _format_value(value: object) -> str:
    match value:
        case None:
            return "not finite"
        case float():
            return f"{value:.6g}"
        case list():
            return json.dumps(value)
        case _:
            return str(value)
