"""Summary of an unexpected error for clients: one plain line without the paths of this machine."""

import re

_MAX_LENGTH = 1000
_REPLACEMENT = "(path)"
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
_PATH = re.compile(r"(?<![\w.:/)\]}])(?:~|file://)?/(?:[^\s/'\"<>:;,()\[\]{}]+/)*[^\s/'\"<>:;,()\[\]{}]+")
"""An absolute path at the start of a word. Something precedes the slash of a URL and of a fraction."""
_GRAPH_LOCATION = re.compile(r"\s*\[\[.*?\]\]|\s*\[Op:[^\]]*\]")
"""Where TensorFlow's graph has the error, in TensorFlow's own names."""
_FRAME = re.compile(r'\s|File "|Traceback|Stack trace|Detected at node|Arguments received by|Call arguments received')
"""The start of a line that belongs to a traceback, to a list of arguments, or to another detail."""


def summarize_error(error: BaseException) -> str:
    """Return an error's type and the last plain line of its message, without paths.

    Keras and TensorFlow put the cause last, after a traceback and before indented details.
    """
    text = _ESCAPE_SEQUENCE.sub("", _GRAPH_LOCATION.sub("", str(error)))
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    plain = [line for line in lines if not line.endswith(":")] or lines or [""]
    return f"{type(error).__name__}: {remove_paths(plain[-1])}".removesuffix(": ")[:_MAX_LENGTH]


def remove_paths(text: str) -> str:
    """Replace absolute paths, because clients must not learn the layout of the server."""
    return _PATH.sub(_REPLACEMENT, text)
