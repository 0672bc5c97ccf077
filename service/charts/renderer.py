"""The caller's side: a process that draws, kept warm, and started again where it has ended."""

import hashlib
import json
import sys
from importlib.metadata import version
from typing import Any, Literal

import structlog

from service.errors import Unavailable
from service.subprocess.admission import Turns
from service.subprocess.environment import without_secrets
from service.subprocess.persistent_process import Gone, KeptProcess

Format = Literal["svg", "png"]

_MEMORY = 2**30
_SECONDS = 20
"""For one picture; the slowest found, sixteen curves of noise as a PNG of 3200 by 8000 pixels, took 13 on one core."""
_IDLE_S = 60
_GRACE_S = 5
"""How long after its own alarm the process may take to be gone."""
_MOST_WAITING = 15
_PATIENCE_S = 10
"""How many requests wait for their turn, each in a thread of the API, and how long."""
_PNG_SCALE = 2
"""Pixels of a PNG for each of the chart's, so that it is sharp on a dense screen."""

log = structlog.get_logger()


def fingerprint(document: dict[str, Any], form: Format) -> str:
    """The same text for the same picture: a SHA-256 of all that it is drawn from."""
    drawn_from = [version("vl-convert-python"), form, _PNG_SCALE, document]
    return hashlib.sha256(json.dumps(drawn_from, allow_nan=False).encode()).hexdigest()


class Renderer:
    """Draws one picture at a time; may be used by many threads.

    The process starts with the first picture, which takes a second longer, and ends a minute after the last.
    """

    def __init__(self) -> None:
        self._turns = Turns(
            waiting=_MOST_WAITING,
            patience=_PATIENCE_S,
            code="charts_busy",
            message="Too many pictures are being drawn; the request may be repeated.",
        )
        self._process = KeptProcess(_command(), without_secrets(), _SECONDS + _GRACE_S)

    def draw(self, document: dict[str, Any], form: Format) -> bytes:
        """Draw a Vega-Lite document whose data is in it.

        Raises:
            Unavailable: too many others wait, or the picture needs more time or memory than it may have.

        """
        content = json.dumps({"document": document, "format": form, "scale": _PNG_SCALE}, allow_nan=False).encode()
        with self._turns.taken():
            picture, wrong = self._ask(content)
        if not picture:
            raise RuntimeError(f"expected a document that can be drawn: {wrong[:2000].decode(errors='replace')}")
        return picture

    def close(self) -> None:
        """End the process; the next picture would start another."""
        with self._turns.lock:
            self._process.end()

    def _ask(self, request: bytes) -> list[bytes]:
        try:
            return self._process.ask([request])
        except Gone as gone:
            log.warning("no picture", action="chart_failed", status=gone.status)
            raise Unavailable("chart_failed", "The picture took too much time or memory to draw.") from None


def _command() -> list[str]:
    command = [sys.executable, "-m", "service.charts", "--memory", str(_MEMORY)]
    return [*command, "--seconds", str(_SECONDS), "--idle", str(_IDLE_S)]
