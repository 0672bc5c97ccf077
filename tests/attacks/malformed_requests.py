"""Malformed requests and bodies over the limit: each gets a problem document that arrives."""

import contextlib
import json
import socket
from urllib.parse import urlsplit

from tests.attacks.target import AttackResult, Target

TITLE = "Malformed and oversized requests"
POINT = 18

_SIZE = 10_000_000
_POST = b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def run_attack(target: Target) -> AttackResult:
    """Send them, and read the answers."""
    token = f"Authorization: bearer {target.token}\r\n".encode() if target.token else b""
    requests = {
        "no HTTP": b"nonsense\r\n\r\n",
        "bad header": b"GET / HTTP/1.1\r\na b: c\r\n\r\n",
        "10 MB": _POST + token + b"Content-Length: %d\r\n\r\n" % _SIZE + b" " * _SIZE,
        "bad chunk": _POST + token + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    }
    figures = {name: _read_status(target, request) for name, request in requests.items()}
    method = target.client.put("/v1/jobs")
    figures["Allow"] = method.headers["Allow"]
    is_protected = "nosniff" in str(method.headers) and "frame-ancestors" in str(method.headers)
    expected = ["400", "400", "413", "400", "GET, POST"]
    return AttackResult(list(figures.values()) == expected and is_protected, figures)


def _read_status(target: Target, request: bytes) -> str:
    """Return the status of the problem document that answers a request."""
    parts = urlsplit(target.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        try:
            with connection.makefile("rb") as stream:
                answer = stream.read()
        except OSError:
            return "reset"
    body = answer.partition(b"\r\n\r\n")[2]
    return str(json.loads(body)["status"]) if b"application/problem+json" in answer else "no problem document"
