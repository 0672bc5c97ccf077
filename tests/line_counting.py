"""The cost of an action in executed lines, which does not depend on the machine or its load."""

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

Trace = Callable[[FrameType, str, Any], Any]


def count_executed_lines(action: Callable[[], object]) -> int:
    """Return how many lines of Python the action executes in this thread; C code does not count."""
    counter = count()

    def trace_line(_frame: FrameType, event: str, _argument: Any) -> Trace:
        if event == "line":
            next(counter)
        return trace_line

    previous_trace = sys.gettrace()
    sys.settrace(trace_line)
    try:
        action()
    finally:
        sys.settrace(previous_trace)
    return next(counter)
