"""What clients learn about an error: a plain sentence, without a traceback, a path or the text of a library."""

import re
from typing import NamedTuple

from worker.runtime.memory import is_out_of_memory

OUT_OF_MEMORY = "The job needed more memory than the worker has."

_PATH = re.compile(r"(?<![\w.:/)\]}])(?:~|file://)?/(?:[^\s/'\"<>:;,()\[\]{}]+/)*[^\s/'\"<>:;,()\[\]{}]+")
"""An absolute path at the start of a word. Something precedes the slash of a URL and of a fraction."""
_REPLACEMENT = "(path)"
_INDEX = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
"""TensorFlow's words for an index outside of a table, such as the weights of an Embedding."""
_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
"""TensorFlow's words for a label without an output."""


class KnownCause(NamedTuple):
    """The code and the message of a job's reason."""

    code: str
    message: str


def find_known_cause(error: BaseException) -> KnownCause | None:
    """Return the cause of an error of a backend that a user can understand, or None for any other error."""
    if is_out_of_memory(error):
        return KnownCause("out_of_memory", OUT_OF_MEMORY)
    text = str(error)
    if match := _INDEX.search(text):
        message = "expected whole numbers from 0 to {} to look up in a layer such as Embedding, received {}"
        return KnownCause("data", _format_range(message, match))
    if match := _LABEL.search(text):
        return KnownCause("data", _format_range("expected labels from 0 to {}, received {}", match))
    return None


def _format_range(message: str, match: re.Match[str]) -> str:
    received, size = match.groups()
    return f"The data do not fit the network: {message.format(int(size) - 1, received)}."


def describe_unexpected_error(error_id: str) -> str:
    """Return the message for an error whose details only the log has, as the entry with this id."""
    return f"An unexpected error ended the attempt; the worker's log has its details (error {error_id})."


def remove_paths(text: str) -> str:
    """Replace absolute paths, because clients must not learn the layout of the server."""
    return _PATH.sub(_REPLACEMENT, text)
