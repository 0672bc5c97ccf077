"""The command line: `stackyard serve` runs a whole server; the other commands talk to one over HTTP."""

from typing import Annotated

import typer

from stackyard import __version__
from stackyard.cli import backups, datasets, jobs, keras_import, predictions, serve, specs, workers
from stackyard.cli.command_error import CommandError, complain

__all__ = ["app", "main"]

app = typer.Typer(
    help="Training jobs for Keras: JSON specs in, loss histories and trained models out, over HTTP.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stackyard {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """What holds for every command."""


serve.register(app)
backups.register(app)
datasets.register(app)
specs.register(app)
jobs.register(app)
keras_import.register(app)
predictions.register(app)
workers.register(app)


def main() -> None:
    """Run the command line; a failure is one message on standard error and exit status 1."""
    try:
        app()
    except CommandError as failure:
        complain(failure)
        raise SystemExit(1) from None
