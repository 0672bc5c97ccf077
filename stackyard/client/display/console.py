"""Consoles that print no control characters, which texts of other users may contain."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from stackyard.client.display.formats import strip_control_characters


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
