"""Formatting of names and numbers for charts."""

import math
import unicodedata
from collections.abc import Iterable
from itertools import accumulate
from uuid import UUID

VALIDATION_PREFIX = "val_"
_CHARACTER_WIDTHS = (
    (frozenset("'ijlf|!,./:;I[\\]t()-`r{}\"* "), 0.36),
    (frozenset("mMW%@"), 1.0),
    (frozenset("ABCDEFGHJKLNOPQRSTUVXYZw&"), 0.75),
)
"""Maximum width of each class of characters in Liberation Sans; other ASCII characters have at most 0.59."""
_ABBREVIATIONS = frozenset({"auc", "mae", "mape", "mse", "msle", "rmse", "iou"})


def to_single_line(text: str) -> str:
    """Return text on one line, with only characters that XML allows, and without invisible formatting characters."""
    visible = (character for character in " ".join(text.split()) if unicodedata.category(character) != "Cf")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in visible)


def shorten_text(text: str, pixels: float, font_size: float) -> str:
    """Shorten text to one line of at most this width, which is estimated rather too wide.

    The renderer never shortens text itself: it would split characters beyond U+FFFF, and fail.

    Args:
        text: any text.
        pixels: available width in pixels.
        font_size: font size in pixels.

    """
    single_line = to_single_line(text)
    ends = list(accumulate(font_size * _estimate_width(character) for character in single_line))
    if not ends or ends[-1] <= pixels:
        return single_line
    available = pixels - font_size
    return single_line[: sum(end <= available for end in ends)].rstrip() + "…"


def has_room_for(text: str, pixels: float, font_size: float) -> bool:
    """Return whether a text fits without being shortened."""
    return shorten_text(text, pixels, font_size) == to_single_line(text)


def make_unique(names: Iterable[str]) -> list[str]:
    """Return the names with a number after each repeated one; shortened names may be equal."""
    unique_names: list[str] = []
    for name in names:
        occurrence = 1
        while (candidate := name if occurrence == 1 else f"{name} ({occurrence})") in unique_names:
            occurrence += 1
        unique_names.append(candidate)
    return unique_names


def _estimate_width(character: str) -> float:
    """Return a character's width in Liberation Sans or Arial, as a multiple of the font size."""
    if unicodedata.combining(character):
        return 0.0
    if not character.isascii():
        return 1.25 if unicodedata.east_asian_width(character) in "WF" else 0.75
    return next((width for characters, width in _CHARACTER_WIDTHS if character in characters), 0.59)


def get_base_metric(name: str) -> str:
    """Return the name of a metric without its validation prefix: `loss` for `val_loss`."""
    return name.removeprefix(VALIDATION_PREFIX)


def format_metric_name(name: str) -> str:
    """Format a metric's name in words: `Binary accuracy` for `val_binary_accuracy`."""
    words = [word.upper() if word in _ABBREVIATIONS else word for word in get_base_metric(name).split("_") if word]
    text = " ".join(words) or name
    return to_single_line(text[:1].upper() + text[1:])


def get_subset_name(name: str) -> str:
    """Return which rows a metric is computed on: `training` or `validation`."""
    return "validation" if name.startswith(VALIDATION_PREFIX) else "training"


def format_number(value: float) -> str:
    """Format a metric's value with four significant digits."""
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def format_count(number: int, noun: str) -> str:
    """Format a count with its noun: `1 epoch`, `1,000 epochs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_job_title(name: str | None, job_id: UUID) -> str:
    """Return the title of a job's charts."""
    return name or f"Job {job_id}"
