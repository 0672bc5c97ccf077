"""Logging of every Stackyard process: one JSON object per line on standard error, each with an `action`."""

import contextlib
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict

_MAX_TEXT_LENGTH = 1000
_MAX_TRACEBACK_LENGTH = 20_000


class _LossyStream:
    """A stream that drops what it cannot write, so that a log on a full disk does not end the logging thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, or drop it if the write fails."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream; ignore a failure."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure_logging() -> None:
    """Configure structlog for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _shorten_texts,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _LossyStream(sys.stderr))),
        cache_logger_on_first_use=False,
    )


def shorten_text(text: str, max_length: int) -> str:
    """Return a text that clients may choose as a log shows it: its start, and the number of characters left out."""
    left_out = len(text) - max_length
    return text if left_out <= 0 else f"{text[:max_length]}... ({left_out} more characters)"


def _shorten_texts(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Bound the length of a line. Of a traceback, the last lines stay, because they name the error."""
    traceback = event.get("exception")
    texts = {key: shorten_text(value, _MAX_TEXT_LENGTH) for key, value in event.items() if isinstance(value, str)}
    if isinstance(traceback, str):
        texts["exception"] = traceback[-_MAX_TRACEBACK_LENGTH:]
    return {**event, **texts}
