"""Connections that send nothing, more than the server admits from one address."""

import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from stackyard.descriptors import raise_descriptor_limit
from tests.attacks.target import AttackResult, Target

TITLE = "Silent connections"
POINT = 3
COUNT = 1_200
MAX_ANSWER_S = 1.0


def run_attack(target: Target) -> AttackResult:
    """Open the connections, and use the server from the same address meanwhile."""
    parts = urlsplit(target.url)
    raise_descriptor_limit()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=20))
            for _ in range(COUNT)
        ]
        started_at = time.monotonic()
        fresh = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=20))
        fresh.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        is_served = fresh.recv(100).startswith(b"HTTP/1.1 200")
        answer_s = time.monotonic() - started_at
        is_closed = _is_closed(connections[-1], target.settings.header_timeout_s + 5)
        closed_s = time.monotonic() - started_at
    descriptors = target.find_api().rlimit(7)[0]  # RLIMIT_NOFILE
    log = (target.data_dir / "logs" / "api.log").read_text()
    held = is_served and answer_s < MAX_ANSWER_S and is_closed and "connections_bounded" in log
    figures = {
        "answer": f"{answer_s * 1000:.0f} ms",
        "all closed": f"{closed_s:.0f} s",
        "descriptors": str(descriptors),
    }
    return AttackResult(held, figures)


def _is_closed(connection: socket.socket, within: float) -> bool:
    """Return whether the server closes a connection in time."""
    connection.settimeout(within)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
