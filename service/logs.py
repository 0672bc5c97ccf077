"""How the processes of an installation log: a JSON object a line, on standard error, each with an `action`."""

import contextlib
import sys
from typing import TextIO, cast

import structlog


class _Forgiving:
    """A stream that loses what cannot be written: a log on a full disk must not end the thread that it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, or do not."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Bring what was written to where it goes, or do not."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure() -> None:
    """Make structlog write so, in this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving(sys.stderr))),
        cache_logger_on_first_use=False,
    )
