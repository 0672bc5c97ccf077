"""`stackyard history`: the metrics of every epoch."""

from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output import terminal_curve
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.references import JobReference
from stackyard.cli.terminal import create_console, print_document


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("history")(show_history)


def show_history(
    job: JobReference,
    csv: Annotated[bool, typer.Option("--csv", help="Print every epoch's metrics as CSV.")] = False,
    metrics: Annotated[str, typer.Option(help="The metrics to draw, separated by commas.")] = "loss,val_loss",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Draw a job's learning curve, with epochs from 1. CSV and JSON have the index of an epoch, from 0."""
    with open_client_session(url, token, token_file) as client:
        job_id = client.find_job_id(job)
        if csv:
            print_document(client.history_csv(job_id))
            return
        columns = client.history(job_id)
    if as_json:
        print_json(columns)
        return
    names = [name for name in metrics.split(",") if name in columns.metrics]
    lines = {name: columns.column(name) for name in names}
    create_console().print(terminal_curve.draw_curve(columns.epochs, lines))
