"""How a command says that it could not do what was asked."""

from rich.console import Console
from rich.text import Text


class CommandError(Exception):
    """A command cannot go on; the message tells a person why, and what to do about it.

    Args:
        message: one sentence or two.
        detail: lines that explain it further, such as the end of a log.

    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


def complain(failure: CommandError) -> None:
    """Print a failure on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error ", "bold red"), str(failure)))
    if failure.detail:
        console.print(Text(failure.detail, style="dim"))
