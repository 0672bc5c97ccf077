"""How the commands that talk to a server find it, and how they put what it refuses."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stackyard.cli.command_error import CommandError, complain
from stackyard.client import Client, ProblemError, StackyardError

Url = Annotated[str, typer.Option("--url", envvar="STACKYARD_URL", help="Where the server is.")]
Token = Annotated[str, typer.Option("--token", envvar="STACKYARD_TOKEN", help="Its token, if it has one.")]

DEFAULT_URL = "http://127.0.0.1:8000"


@contextmanager
def connected(url: str, token: str) -> Generator[Client]:
    """A client for the length of a command; what goes wrong becomes a message and exit status 1."""
    try:
        with Client(url, token or None) as client:
            yield client
    except ProblemError as error:
        problem = error.problem
        complain(CommandError(problem.detail or problem.title))
        if problem.errors:
            Console(stderr=True).print(_faults(error))
        raise typer.Exit(1) from None
    except (StackyardError, OSError, ValueError) as error:
        raise CommandError(str(error)) from None


def _faults(error: ProblemError) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("pointer", style="cyan", overflow="fold")
    table.add_column("message", overflow="fold")
    for fault in error.problem.errors:
        table.add_row(fault.pointer or "/", fault.sentence)
    return table
