"""The client session of a command: the options that locate a server, and how its refusals are printed."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.command_error import CommandError, print_error
from stackyard.cli.input_files import STANDARD_INPUT, read_input
from stackyard.cli.terminal import create_console
from stackyard.client import Client, ProblemError, StackyardError
from stackyard.secret_files import SecretFileError, read_secret, read_secret_file

_TOKEN_VARIABLE = "STACKYARD_TOKEN"  # noqa: S105  # the name of a variable

_EXPOSED_TOKEN = (
    "Other users of this machine can see --token in the list of processes. Use --token-file or STACKYARD_TOKEN."  # noqa: S105
)


def _warn_of_exposed_token(context: typer.Context, token: str) -> str:
    source = context.get_parameter_source("token")
    if source is not None and source.name == "COMMANDLINE":
        create_console(stderr=True, soft_wrap=True).print(Text(_EXPOSED_TOKEN, style="yellow"))
    return token


Url = Annotated[str, typer.Option("--url", envvar="STACKYARD_URL", help="The server's URL.")]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar=_TOKEN_VARIABLE,
        callback=_warn_of_exposed_token,
        help="The token of a user or of the server. On a command line, other users of this machine can see it.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        allow_dash=True,
        help="A file that contains the token, or `-` for standard input; by default that of STACKYARD_TOKEN_FILE.",
    ),
]

_chosen_project: ContextVar[str | None] = ContextVar("_chosen_project", default=None)


def _choose_project(project: str | None) -> str | None:
    _chosen_project.set(project)
    return project


ChosenProject = Annotated[
    str | None,
    typer.Option(
        "--project",
        envvar="STACKYARD_PROJECT",
        callback=_choose_project,
        help="On a team's server: the project to work in, by name or id; by default your first one.",
    ),
]
"""An option before the command, for the requests of every command."""

DEFAULT_URL = "http://127.0.0.1:8000"


@contextmanager
def open_client_session(url: str, token: str, token_file: Path | None = None) -> Generator[Client]:
    """Open a client for one command. An error of the client becomes a message and exit status 1."""
    chosen_token = _choose_token(token, token_file)
    try:
        with Client(url, chosen_token or None, project=_chosen_project.get()) as client:
            yield client
    except ProblemError as error:
        problem = error.problem
        print_error(CommandError(problem.detail or problem.title))
        if problem.errors:
            create_console(stderr=True).print(_build_fault_table(error))
        raise typer.Exit(1) from None
    except (StackyardError, OSError, ValueError) as error:
        raise CommandError(str(error)) from None


def _choose_token(token: str, token_file: Path | None) -> str:
    """Return the token. The command line has precedence over the environment."""
    try:
        if token_file is not None:
            return _read_token(token_file)
        is_option = token != os.environ.get(_TOKEN_VARIABLE, "")
        return token if is_option else read_secret(_TOKEN_VARIABLE) or ""
    except SecretFileError as error:
        raise CommandError(f"{error}.") from None


def _read_token(file: Path) -> str:
    if file == STANDARD_INPUT:
        return read_input(file).decode(errors="replace").rstrip("\r\n")
    return read_secret_file(file)


def _build_fault_table(error: ProblemError) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("pointer", style="cyan", overflow="fold")
    table.add_column("message", overflow="fold")
    for fault in error.problem.errors:
        table.add_row(Text(fault.pointer or "/"), Text(fault.sentence))
    return table
