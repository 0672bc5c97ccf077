"""The error of an invalid file, and the rules for names in files of every type."""

import unicodedata
from collections.abc import Sequence

MAX_NAME_LENGTH = 200
"""Maximum length of a name in characters; a spec cannot contain a longer one."""
MAX_NAMES = 10_000
"""Maximum number of columns of a table or arrays of a file."""
_MAX_QUOTED_LENGTH = 80
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})
"""Unicode categories of control characters and surrogates."""


class InvalidFileError(Exception):
    """The file cannot be a dataset. The message tells the client what is wrong, and where."""


def check_names(names: Sequence[str], kind: str, *, line: int | None = None) -> None:
    """Reject names that a spec cannot contain, and duplicates.

    Args:
        names: names in the order of the file.
        kind: `column` or `array`.
        line: the line in the file that has the names, from 1; None if it has no lines.

    Raises:
        InvalidFileError: there are too many names, or a name is empty, too long, duplicate, or has control characters.

    """
    if len(names) > MAX_NAMES:
        raise InvalidFileError(f"The file has {len(names):,} {kind}s; at most {MAX_NAMES:,} can be read.")
    location = "" if line is None else f" in line {line:,}"
    previous: set[str] = set()
    for number, name in enumerate(names, 1):
        _check_name(name, f"The name of {kind} {number}{location}")
        if name in previous:
            hint = "" if line is None else " (If the file has no header, upload it with header=false.)"
            message = f"The file has two {kind}s named {quote_text(name)}; names must be unique.{hint}"
            raise InvalidFileError(message)
        previous.add(name)


def _check_name(name: str, subject: str) -> None:
    if not name.strip():
        raise InvalidFileError(
            f"{subject} is empty. (pandas writes its index under such a name; `index=False` leaves it out.)"
        )
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidFileError(
            f"{subject} has {len(name):,} characters; at most {MAX_NAME_LENGTH} can be read: {quote_text(name)}."
        )
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in name):
        raise InvalidFileError(f"{subject} has a control character: {quote_text(name)}.")


def quote_text(text: str) -> str:
    """Return `text` for a message: in quotation marks, on one line, and shortened."""
    shortened = text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shortened) + "'"
