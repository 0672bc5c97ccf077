"""The error of a command that cannot continue, and how it is printed."""

from rich.text import Text

from stackyard.cli.terminal import create_console


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
    console = create_console(stderr=True, soft_wrap=True)
    console.print(Text.assemble(("error ", "bold red"), str(error)))
    if error.detail:
        console.print(Text(error.detail, style="dim"))
