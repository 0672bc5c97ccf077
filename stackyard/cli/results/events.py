"""`stackyard events`: the events of a job, as they happen."""

from collections.abc import Iterator
from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output import terminal_curve
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import print_json
from stackyard.cli.references import JobReference
from stackyard.cli.terminal import create_console
from stackyard.client import Event, History


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("events")(print_events)


def print_events(
    job: JobReference,
    after: Annotated[str | None, typer.Option(help="Start after the event with this id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Print a job's events from its start until it ends: changes of its state, and the metrics of each epoch."""
    console = create_console(soft_wrap=True, markup=False)
    with open_client_session(url, token, token_file) as client:
        followed = client.find_job(job)
        for event in client.events(followed.id, after=after):
            if as_json:
                print_json({"id": event.id, "event": event.kind, "data": event.data}, indent=None)
                continue
            for line in _format_event(event, followed.progress.epochs):
                console.print(line)


def _format_event(event: Event, epochs: int) -> Iterator[str]:
    """Yield lines for an event: one for a change of state, and one for each epoch."""
    if transition := event.transition:
        reason = f"  {transition.reason.message}" if transition.reason else ""
        yield f"{format_time(transition.at)}  {transition.target}{reason}"
    elif history := event.epochs:
        yield from _format_epochs(history, epochs)
    else:
        yield event.kind


def _format_epochs(history: History, epochs: int) -> Iterator[str]:
    columns = {name: history.column(name) for name in history.metrics}
    for row, index in enumerate(history.epochs):
        values = {name: column[row] for name, column in columns.items()}
        yield f"epoch {index + 1} of {epochs}  {terminal_curve.format_metrics(values)}"
