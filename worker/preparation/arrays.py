"""Arrays of numbers, and how preparation says that it cannot make them."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class PreparationError(Exception):
    """The rows cannot be made into what the spec asks for; the message is a sentence for the job's owner."""


def check_finite(array: Array, what: str) -> Array:
    """Give `array` back.

    Raises:
        PreparationError: it has NaN or an infinity, perhaps only since it is float32.

    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PreparationError(f"The {what} have values that are missing, infinite, or too large for float32.")
    return array
