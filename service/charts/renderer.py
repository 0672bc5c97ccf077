"""The caller's side of rendering: a warm process that renders charts and is restarted when it has exited."""

import hashlib
import json
import sys
from importlib.metadata import version
from typing import Any, Literal

import structlog

from service.errors import Unavailable
from service.subprocess.admission import BoundedLock
from service.subprocess.environment import build_environment_without_secrets
from service.subprocess.persistent_process import PersistentProcess, ProcessExited

ImageFormat = Literal["svg", "png"]

_MEMORY = 2**30
_TIMEOUT_S = 20
"""Maximum time of one image. The largest PNG with the most curves takes most of it on a slow machine."""
_IDLE_TIMEOUT_S = 60
_EXIT_TIMEOUT_S = 5
"""Seconds that the process may take to exit after its own alarm."""
_MAX_WAITING = 15
"""Maximum number of waiting requests; each occupies a thread of the API."""
_WAIT_TIMEOUT_S = 10
_PNG_SCALE = 2
"""Pixels of a PNG per pixel of the chart, so that it is sharp on a high-density screen."""

log = structlog.get_logger()


def compute_fingerprint(document: dict[str, Any], image_format: ImageFormat) -> str:
    """Return a SHA-256 of all inputs of an image; equal images have equal fingerprints."""
    inputs = [version("vl-convert-python"), image_format, _PNG_SCALE, document]
    return hashlib.sha256(json.dumps(inputs, allow_nan=False).encode()).hexdigest()


class Renderer:
    """Renders one chart at a time; it is thread-safe.

    The process starts with the first chart, which therefore takes longer, and ends when it is idle.

    Args:
        timeout_s: maximum time of one image in seconds.
        idle_timeout_s: seconds without requests after which the process ends.
        wait_timeout_s: seconds that a request waits for others.

    """

    def __init__(
        self,
        *,
        timeout_s: int = _TIMEOUT_S,
        idle_timeout_s: int = _IDLE_TIMEOUT_S,
        wait_timeout_s: float = _WAIT_TIMEOUT_S,
    ) -> None:
        self._lock = BoundedLock(
            max_waiting=_MAX_WAITING,
            timeout_s=wait_timeout_s,
            code="charts_busy",
            message="Too many charts are being rendered; repeat the request later.",
        )
        command = _build_command(timeout_s, idle_timeout_s)
        self._process = PersistentProcess(command, build_environment_without_secrets(), timeout_s + _EXIT_TIMEOUT_S)

    def render_chart(self, document: dict[str, Any], image_format: ImageFormat) -> bytes:
        """Render a Vega-Lite document that contains its data.

        Raises:
            Unavailable: too many requests wait, or the image needs more time or memory than the limits.

        """
        content = json.dumps(
            {"document": document, "format": image_format, "scale": _PNG_SCALE}, allow_nan=False
        ).encode()
        with self._lock.acquire():
            image, error = self._send_request(content)
        if not image:
            raise RuntimeError(f"expected a document that can be drawn: {error[:2000].decode(errors='replace')}")
        return image

    def close(self) -> None:
        """Stop the process; another `draw` would start a new one."""
        with self._lock.mutex:
            self._process.stop()

    def _send_request(self, request: bytes) -> list[bytes]:
        try:
            return self._process.request([request])
        except ProcessExited as exited:
            log.warning("chart not rendered", action="chart_failed", status=exited.exit_status)
            raise Unavailable("chart_failed", "The chart took too much time or memory to render.") from None


def _build_command(timeout_s: int, idle_timeout_s: int) -> list[str]:
    command = [sys.executable, "-m", "service.charts", "--memory", str(_MEMORY)]
    return [*command, "--seconds", str(timeout_s), "--idle", str(idle_timeout_s)]
