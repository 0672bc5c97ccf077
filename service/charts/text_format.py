"""Names and numbers as a person reads them."""

import math
import unicodedata
from collections.abc import Iterable
from itertools import accumulate
from uuid import UUID

VALIDATION = "val_"
_WIDTHS = (
    (frozenset("'ijlf|!,./:;I[\\]t()-`r{}\"* "), 0.36),
    (frozenset("mMW%@"), 1.0),
    (frozenset("ABCDEFGHJKLNOPQRSTUVXYZw&"), 0.75),
)
"""The widest of each class in Liberation Sans; all other letters, digits and signs of ASCII have 0.59 or less."""
_ABBREVIATIONS = frozenset({"auc", "mae", "mape", "mse", "msle", "rmse", "iou"})


def line(text: str) -> str:
    """Somebody's words as one line of characters that XML can carry; those that only steer others are left out."""
    kept = (character for character in " ".join(text.split()) if unicodedata.category(character) != "Cf")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in kept)


def fitted(text: str, pixels: float, size: float) -> str:
    """Somebody's words as one line of at most so many pixels, by an estimate that is rather too wide.

    The renderer is never left to shorten a text: it would cut characters beyond U+FFFF in two, and fail.

    Args:
        text: any.
        pixels: how much room there is.
        size: of the letters, in pixels.

    """
    whole = line(text)
    ends = list(accumulate(size * _width(character) for character in whole))
    if not ends or ends[-1] <= pixels:
        return whole
    room = pixels - size
    return whole[: sum(end <= room for end in ends)].rstrip() + "…"


def fits(text: str, pixels: float, size: float) -> bool:
    """Whether a text needs not be shortened."""
    return fitted(text, pixels, size) == line(text)


def distinct(names: Iterable[str]) -> list[str]:
    """The same names; one that was there before, as after shortening, gets a number."""
    made: list[str] = []
    for name in names:
        times = 1
        while (told := name if times == 1 else f"{name} ({times})") in made:
            times += 1
        made.append(told)
    return made


def _width(character: str) -> float:
    """A character's width in Liberation Sans, or Arial, of the size of its letters."""
    if unicodedata.combining(character):
        return 0.0
    if not character.isascii():
        return 1.25 if unicodedata.east_asian_width(character) in "WF" else 0.75
    return next((width for some, width in _WIDTHS if character in some), 0.59)


def base(name: str) -> str:
    """The metric that is measured, on whichever rows: `loss` for `val_loss`."""
    return name.removeprefix(VALIDATION)


def metric(name: str) -> str:
    """A metric's name in words: `Binary accuracy` for `val_binary_accuracy`."""
    words = [word.upper() if word in _ABBREVIATIONS else word for word in base(name).split("_") if word]
    text = " ".join(words) or name
    return line(text[:1].upper() + text[1:])


def rows(name: str) -> str:
    """Which rows a metric was measured on."""
    return "validation" if name.startswith(VALIDATION) else "training"


def number(value: float) -> str:
    """A metric's value with four digits that count."""
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def count(number: int, what: str) -> str:
    """`1 epoch`, `1,000 epochs`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def title(name: str | None, job_id: UUID) -> str:
    """What a picture of a job is called."""
    return name or f"Job {job_id}"
