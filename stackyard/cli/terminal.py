"""Output to the terminal, without the control characters that texts of other users may contain."""

import sys

import typer

from stackyard.client.display.console import create_console
from stackyard.client.display.formats import strip_control_characters

__all__ = ["create_console", "print_document", "strip_control_characters"]


def print_document(text: str) -> None:
    """Print a document from a server. A file or a pipe gets it unchanged, a terminal without control characters."""
    typer.echo(strip_control_characters(text) if sys.stdout.isatty() else text, nl=False)
