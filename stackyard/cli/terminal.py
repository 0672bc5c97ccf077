"""Output to the terminal, without the control characters that texts of other users may contain."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters except tab and newline, and characters that reverse the direction of text."""

STANDARD_INPUT = Path("-")
"""The file name that stands for standard input."""


def create_console(*, stderr: bool = False, soft_wrap: bool = False, markup: bool = True) -> Console:
    """Create a console that strips control characters from all that it prints.

    Args:
        stderr: print on standard error.
        soft_wrap: leave long lines to the terminal.
        markup: interpret Rich's markup in strings. Texts from a server must be `rich.text.Text` then.

    """
    console = Console(stderr=stderr, highlight=False, soft_wrap=soft_wrap, markup=markup)
    console.push_render_hook(_ControlCharacterFilter())
    return console


def read_input(file: Path) -> bytes:
    """Read a file, or standard input for `-`.

    Raises:
        OSError: the file cannot be read.

    """
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()


def strip_control_characters(text: str) -> str:
    """Return a text without control characters; tabs and newlines stay."""
    return _CONTROL_CHARACTERS.sub("", text)


def print_document(text: str) -> None:
    """Print a document from a server. A file or a pipe gets it unchanged, a terminal without control characters."""
    typer.echo(strip_control_characters(text) if sys.stdout.isatty() else text, nl=False)


class _ControlCharacterFilter(RenderHook):
    """Wraps everything that a console prints. Rich itself strips only five of the control characters, not Escape."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Filtered(renderable) for renderable in renderables]


@dataclass(frozen=True)
class _Filtered:
    renderable: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return _strip_segments(console.render(self.renderable, options))


def _strip_segments(segments: Iterable[Segment]) -> Iterable[Segment]:
    for text, style, control in segments:
        yield Segment(text if control else strip_control_characters(text), style, control)
