"""Logging of every Stackyard process: one JSON object per line on standard error, each with an `action`."""

import contextlib
import sys
from typing import TextIO, cast

import structlog


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
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _LossyStream(sys.stderr))),
        cache_logger_on_first_use=False,
    )
