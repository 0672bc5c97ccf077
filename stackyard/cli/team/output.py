"""Output of the commands of a team's server."""

from collections.abc import Mapping
from datetime import datetime

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.tables import print_unwrapped
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import NewToken


def print_details(details: Mapping[str, str]) -> None:
    """Print a title and a text on each line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for title, text in details.items():
        table.add_row(title, Text(text))
    print_unwrapped(create_console(), table)


def print_new_token(token: NewToken) -> None:
    """Print a new token: alone on standard output, so that a script can read it, with a note on standard error."""
    create_console(stderr=True, soft_wrap=True).print(
        Text(f"The token “{token.name}” ({token.scope}), which is not shown again:", style="yellow")
    )
    typer.echo(strip_control_characters(token.token))


def format_optional_time(time: datetime | None) -> str:
    """Format a time to the second; an empty text for None."""
    return "" if time is None else format_time(time)


def format_limit(limit: int | None) -> str:
    """Format a limit; None is no limit."""
    return "" if limit is None else f"{limit:,}"
