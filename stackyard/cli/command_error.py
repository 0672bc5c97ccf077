"""The error of a command that cannot continue, and how it is printed."""

from rich.console import Console
from rich.text import Text


class CommandError(Exception):
    """A command cannot continue. The message says why, and how to fix it.

    Args:
        message: one or two sentences.
        detail: lines that explain it further, such as the end of a log.

    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


def print_error(error: CommandError) -> None:
    """Print an error on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error ", "bold red"), str(error)))
    if error.detail:
        console.print(Text(error.detail, style="dim"))
