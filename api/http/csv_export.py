"""CSV of any number of rows, which is sent while it is written."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

MEDIA_TYPE = "text/csv"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def stream_csv(header: Sequence[str], pages: Iterable[Iterable[Sequence[object]]]) -> Iterator[str]:
    """Yield the lines of each page of rows, after those of the header.

    A text that a spreadsheet would run as a formula gets a leading apostrophe. None is an empty cell.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for page in pages:
        writer.writerows([_format_cell(cell) for cell in row] for row in page)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _format_cell(cell: object) -> object:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return "" if cell is None else cell
