"""The client session of a command: the options that locate a server, and how its refusals are printed."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.command_error import CommandError, print_error
from stackyard.cli.terminal import create_console
from stackyard.client import Client, ProblemError, StackyardError

Url = Annotated[str, typer.Option("--url", envvar="STACKYARD_URL", help="The server's URL.")]
Token = Annotated[str, typer.Option("--token", envvar="STACKYARD_TOKEN", help="The server's token, if it has one.")]

DEFAULT_URL = "http://127.0.0.1:8000"


@contextmanager
def open_client_session(url: str, token: str) -> Generator[Client]:
    """Open a client for one command. An error of the client becomes a message and exit status 1."""
    try:
        with Client(url, token or None) as client:
            yield client
    except ProblemError as error:
        problem = error.problem
        print_error(CommandError(problem.detail or problem.title))
        if problem.errors:
            create_console(stderr=True).print(_build_fault_table(error))
        raise typer.Exit(1) from None
    except (StackyardError, OSError, ValueError) as error:
        raise CommandError(str(error)) from None


def _build_fault_table(error: ProblemError) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("pointer", style="cyan", overflow="fold")
    table.add_column("message", overflow="fold")
    for fault in error.problem.errors:
        table.add_row(Text(fault.pointer or "/"), Text(fault.sentence))
    return table
