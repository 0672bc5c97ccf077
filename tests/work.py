"""What an action costs, counted rather than timed: so a test of it says the same on every machine, however busy."""

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

Trace = Callable[[FrameType, str, Any], Any]


def lines(action: Callable[[], object]) -> int:
    """How many lines of Python the action runs in this thread, each as often as it runs; C code counts nothing."""
    run = count()

    def note(_frame: FrameType, event: str, _argument: Any) -> Trace:
        if event == "line":
            next(run)
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        action()
    finally:
        sys.settrace(before)
    return next(run)
