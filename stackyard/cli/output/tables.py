"""Tables with one line for each row."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stackyard.cli.terminal import create_console

_PIPE_WIDTH = 100_000
"""Columns of a pipe or a file, which is so wide that no line is cut."""
_GAP = 2
_MIN_LAST_WIDTH = 8

Cell = str | Text


def print_table(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a header and a line for each row. No line wraps: a terminal gets the beginning of the last column."""
    console = create_console()
    cells = [[_to_single_line(cell) for cell in row] for row in rows]
    if console.is_terminal:
        _shorten_last_column(console, titles, cells)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=True)
    for row in cells:
        table.add_row(*row)
    print_unwrapped(console, table)


def print_unwrapped(console: Console, table: Table) -> None:
    """Print a table. A pipe or a file gets each row on one line, however long it is."""
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table)


def shorten_ids(ids: Sequence[str], min_length: int = 13) -> list[str]:
    """Return the starts of the ids, all of the same length, that differ from each other.

    Args:
        ids: complete ids.
        min_length: the smallest length. With the first 13 characters, ids of different milliseconds differ.

    """
    length = min_length
    while len({text[:length] for text in ids}) < len(set(ids)):
        length += 1
    return [text[:length] for text in ids]


def _to_single_line(cell: Cell) -> Text:
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.plain = " ".join(text.plain.splitlines())
    return text


def _shorten_last_column(console: Console, titles: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    columns = list(zip(titles, *rows, strict=True))[:-1]
    used = sum(max(cell_len(str(cell)) for cell in column) + _GAP for column in columns)
    for row in rows:
        row[-1].truncate(max(_MIN_LAST_WIDTH, console.width - used), overflow="ellipsis")
