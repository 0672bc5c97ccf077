"""Headers without end: lines, one value, a request line and trailers, up to 24 MB each."""

import contextlib
import socket
from urllib.parse import urlsplit

from tests.attacks.target import AttackResult, Target

TITLE = "Headers without end"
POINT = 1
MAX_GROWTH_MB = 20

_BLOCK = 2**16
_BLOCKS = 384
_GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
_FLOODS = {
    "lines": (_GET, b"a: b\r\n" * (_BLOCK // 6)),
    "value": (_GET + b"a: ", b"b" * _BLOCK),
    "line": (b"GET /", b"a" * _BLOCK),
    "trailers": (_CHUNKED, b"a: b\r\n" * (_BLOCK // 6)),
}


def run_attack(target: Target) -> AttackResult:
    """Send the floods one after the other, and measure the memory of the API."""
    before = target.measure_api_megabytes()
    statuses = {name: _send_flood(target, start, block) for name, (start, block) in _FLOODS.items()}
    growth = target.measure_api_megabytes() - before
    held = growth < MAX_GROWTH_MB and all(statuses[name] == "431" for name in ("lines", "value", "line"))
    return AttackResult(held, statuses | {"memory": f"{growth:+.0f} MB"})


def _send_flood(target: Target, start: bytes, block: bytes) -> str:
    """Send a flood until the server refuses more; return the status of the answer."""
    parts = urlsplit(target.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(start)
            for _ in range(_BLOCKS):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            return connection.recv(100).decode().partition(" ")[2][:3] or "closed"
    return "reset"
