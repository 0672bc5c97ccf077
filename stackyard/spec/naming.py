"""The names that Keras makes of its classes' own."""

import re
from collections import Counter


def to_snake_case(name: str) -> str:
    """Return Keras's string for a class: `GlorotUniform` is `glorot_uniform`."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()


def made_up(kind: str, made: Counter[str]) -> str:
    """Return the name that Keras makes up for the next object of the class `kind`, and count it in `made`."""
    stem = to_snake_case(kind)
    made[stem] += 1
    return stem if made[stem] == 1 else f"{stem}_{made[stem] - 1}"
