"""The caller's side: a process that draws, kept warm, and started again where it has ended."""

import hashlib
import json
import os
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, BinaryIO, Literal

import structlog

from service.errors import Unavailable
from service.kept_process import Gone, KeptProcess

Format = Literal["svg", "png"]

_MEMORY = 2**30
_SECONDS = 20
"""For one picture; the slowest that can be asked for took seven on a core that four others used."""
_IDLE_S = 60
_GRACE_S = 5
"""How long after its own alarm the process may take to be gone."""
_MOST_WAITING = 15
_PATIENCE_S = 10
"""How many requests wait for their turn, each in a thread of the API, and how long."""
_PNG_SCALE = 2
"""Pixels of a PNG for each of the chart's, so that it is sharp on a dense screen."""
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">?I")

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
        self._places = threading.BoundedSemaphore(1 + _MOST_WAITING)
        self._turn = threading.Lock()
        self._process = KeptProcess(_command(), _environment(), _SECONDS + _GRACE_S)

    def draw(self, document: dict[str, Any], form: Format) -> bytes:
        """Draw a Vega-Lite document whose data is in it.

        Raises:
            Unavailable: too many others wait, or the picture needs more time or memory than it may have.

        """
        content = json.dumps({"document": document, "format": form, "scale": _PNG_SCALE}, allow_nan=False).encode()
        with self._in_turn():
            drawn, answer = self._ask(content)
        if not drawn:
            raise RuntimeError(f"expected a document that can be drawn: {answer[:2000].decode(errors='replace')}")
        return answer

    def close(self) -> None:
        """End the process; the next picture would start another."""
        with self._turn:
            self._process.end()

    @contextmanager
    def _in_turn(self) -> Generator[None]:
        busy = Unavailable("charts_busy", "Too many pictures are being drawn; the request may be repeated.")
        if not self._places.acquire(blocking=False):
            raise busy
        try:
            if not self._turn.acquire(timeout=_PATIENCE_S):
                raise busy
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def _ask(self, request: bytes) -> tuple[bool, bytes]:
        try:
            return self._process.ask(lambda requests, answers: _exchange(requests, answers, request))
        except Gone as gone:
            log.warning("no picture", action="chart_failed", status=gone.status)
            raise Unavailable("chart_failed", "The picture took too much time or memory to draw.") from None


def _command() -> list[str]:
    command = [sys.executable, "-m", "service.charts", "--memory", str(_MEMORY)]
    return [*command, "--seconds", str(_SECONDS), "--idle", str(_IDLE_S)]


def _environment() -> dict[str, str]:
    """The environment of this process, without the installation's secrets."""
    return {key: value for key, value in os.environ.items() if not key.startswith("STACKYARD_")}


def _exchange(requests: BinaryIO, answers: BinaryIO, request: bytes) -> tuple[bool, bytes]:
    requests.write(_LENGTH.pack(len(request)) + request)
    requests.flush()
    drawn, length = _HEAD.unpack(_read(answers, _HEAD.size))
    return drawn, _read(answers, length)


def _read(answers: BinaryIO, length: int) -> bytes:
    content = answers.read(length)
    if len(content) < length:
        raise EOFError
    return content
