"""What every kind of file has in common: how it is refused, and what its names may look like."""

import unicodedata
from collections.abc import Sequence

LONGEST_NAME = 200
"""Characters; no spec can say a longer name."""
MOST_NAMES = 10_000
"""Columns of a table, arrays of a file."""
_SHOWN = 80
_UNSAYABLE = frozenset({"Cc", "Cs"})
"""Unicode's categories of control characters and of halves of characters."""


class Refused(Exception):  # it is an answer, not a fault of the program
    """The file cannot be a dataset; the message says what is wrong, and where, for the person who sent it."""


def check_names(names: Sequence[str], what: str) -> None:
    """Refuse names that a spec could not say, or that are not one thing's alone.

    Args:
        names: in the order of the file.
        what: `column` or `array`.

    Raises:
        Refused: there are too many of them, or one is empty, too long, there twice, or has control characters.

    """
    if len(names) > MOST_NAMES:
        raise Refused(f"The file has {len(names):,} {what}s; at most {MOST_NAMES:,} can be read.")
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        _check_name(name, f"The name of {what} {number}")
        if name in seen:
            raise Refused(f"The file has two {what}s named {quote(name)}; each needs a name of its own.")
        seen.add(name)


def _check_name(name: str, whose: str) -> None:
    if not name.strip():
        raise Refused(f"{whose} is empty. (pandas writes its index under such a name; `index=False` leaves it out.)")
    if len(name) > LONGEST_NAME:
        raise Refused(f"{whose} has {len(name):,} characters; at most {LONGEST_NAME} can be read: {quote(name)}.")
    if any(unicodedata.category(character) in _UNSAYABLE for character in name):
        raise Refused(f"{whose} has a control character: {quote(name)}.")


def quote(text: str) -> str:
    """`text` as a message shows it: in quotation marks, on one line, and not at any length."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown) + "'"
