"""Waiting for a condition of the real world, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(look: Callable[[], Value], *, within: float = 60.0, every: float = 0.02) -> Value:
    """What `look` sees, as soon as it is true; AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r} after {within} s"
        time.sleep(every)
    return seen
