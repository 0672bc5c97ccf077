"""Measures how a server answers others during an attack: `python -m tests.attacks.probe URL`, until its input ends.

It is a process of its own, so that the attacker's work does not count as the server's.
"""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.factories import iris_spec

_HEALTH_INTERVAL_S = 0.02
_POST_INTERVAL_S = 0.25
_MIN_SAMPLES = {"health": 100, "post": 10}
_TOKEN_VARIABLE = "ATTACKED_TOKEN"  # noqa: S105  # the name of a variable


@dataclass
class Samples:
    """Durations in seconds; a request that failed counts as an infinite one."""

    health: list[float] = field(default_factory=list)
    post: list[float] = field(default_factory=list)

    def compute_p99_ms(self, kind: str) -> float:
        """Return the 99th percentile; with fewer than 100 samples it is the longest."""
        times = sorted(getattr(self, kind))
        return 1000 * times[min(int(len(times) * 0.99), len(times) - 1)] if times else float("inf")


@contextlib.contextmanager
def start_probe(url: str, token: str | None) -> Generator[Samples]:
    """Measure while the block runs, and at least for a few seconds."""
    samples = Samples()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.probe", url],
        env=os.environ | {_TOKEN_VARIABLE: token or ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()  # it has started
    try:
        yield samples
    finally:
        output, _ = process.communicate(timeout=120)
        measured = json.loads(output)
        samples.health, samples.post = measured["health"], measured["post"]


def main() -> None:
    """Measure until the input ends and there are enough samples, and print them."""
    parts = urlsplit(sys.argv[1])
    token = os.environ[_TOKEN_VARIABLE]
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    samples, ending = Samples(), threading.Event()

    def connect() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def post_job(connection: http.client.HTTPConnection) -> None:
        job = _request(connection, "POST", "/v1/jobs", headers, samples.post, json.dumps(iris_spec()))
        if job:
            _request(connection, "POST", f"/v1/jobs/{job['id']}/cancel", headers, [])

    def check_health(connection: http.client.HTTPConnection) -> None:
        _request(connection, "GET", "/healthz", headers, samples.health)

    threads = [
        threading.Thread(target=_repeat, args=(connect, check_health, samples.health, "health", ending)),
        threading.Thread(target=_repeat, args=(connect, post_job, samples.post, "post", ending)),
    ]
    for thread in threads:
        thread.start()
    print("started", flush=True)  # noqa: T201
    sys.stdin.read()
    ending.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"health": samples.health, "post": samples.post}))  # noqa: T201


def _repeat(
    connect: Callable[[], http.client.HTTPConnection],
    measure: Callable[[http.client.HTTPConnection], None],
    times: list[float],
    kind: str,
    ending: threading.Event,
) -> None:
    interval = _HEALTH_INTERVAL_S if kind == "health" else _POST_INTERVAL_S
    connection = connect()
    deadline = None
    while not ending.is_set() or (
        len(times) < _MIN_SAMPLES[kind] and (deadline is None or time.monotonic() < deadline)
    ):
        if ending.is_set() and deadline is None:
            deadline = time.monotonic() + 30
        try:
            measure(connection)
        except (OSError, http.client.HTTPException):
            times.append(float("inf"))
            connection.close()
            connection = connect()
        time.sleep(interval)


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    times: list[float],
    body: str | None = None,
) -> dict[str, Any] | None:
    started = time.perf_counter()
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    is_success = response.status < http.HTTPStatus.BAD_REQUEST
    times.append(time.perf_counter() - started if is_success else float("inf"))
    return json.loads(content) if is_success else None


if __name__ == "__main__":
    main()
