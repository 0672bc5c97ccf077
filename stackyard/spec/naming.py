"""The names that Keras derives from class names."""

import re
from collections import Counter


def to_snake_case(name: str) -> str:
    """Return a class name in Keras's snake case: `GlorotUniform` becomes `glorot_uniform`."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()


def generate_name(class_name: str, counts: Counter[str]) -> str:
    """Return the name that Keras generates for the next object of a class: `dense`, `dense_1`, and so on.

    Args:
        class_name: The Keras class.
        counts: How many names were generated for each class; this call is added.

    """
    stem = to_snake_case(class_name)
    counts[stem] += 1
    return stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"
