"""The command line: `stackyard serve` runs a server, and the other commands call one over HTTP."""

from typing import Annotated

import typer

from stackyard import __version__
from stackyard.cli import (
    browser,
    datasets,
    job_actions,
    job_list,
    jobs,
    keras_import,
    maintenance,
    results,
    serve,
    specs,
    sweeps,
    team,
    workers,
)
from stackyard.cli.client_session import ChosenProject
from stackyard.cli.command_error import CommandError, print_error

__all__ = ["app", "main"]

app = typer.Typer(
    help="Training jobs for Keras: JSON specs in, loss histories and trained models out, over HTTP.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"stackyard {__version__}")
        raise typer.Exit


@app.callback()
def _define_global_options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    _project: ChosenProject = None,
) -> None:
    """Define the options that come before a command."""


serve.register_commands(app)
maintenance.register_commands(app)
datasets.register_commands(app)
specs.register_commands(app)
jobs.register_commands(app)
job_actions.register_commands(app)
job_list.register_commands(app)
results.register_commands(app)
keras_import.register_commands(app)
sweeps.register_commands(app)
workers.register_commands(app)
team.register_commands(app)
browser.register_commands(app)


def main() -> None:
    """Run the command line. A failure prints one message on standard error and exits with status 1."""
    try:
        app()
    except CommandError as error:
        print_error(error)
        raise SystemExit(1) from None
