"""What the service itself costs: how long a job waits, how many it accepts a second, what a history costs to read."""

import json
import math
import statistics
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from installation import SMALL, WAITING, Installation, ended, installed, warm_up
from options import Options
from outcome import Outcome, Target
from pairs import significant

from service.db.database import Sessions
from service.jobs import attempts
from service.jobs.attempts import EpochRow, MetricSummary
from service.queue.wake_ups import QueueName
from stackyard.client import Client

JOBS, SHORT_JOBS = 40, 5
POSTS, SHORT_POSTS = 200, 50
SUSTAINED_S, SHORT_SUSTAINED_S = 10.0, 2.0
CLIENTS = 8
READS, SHORT_READS = 30, 5
EPOCHS = 10_000
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
MEGABYTE = 1_000_000
CREATED, OK = 201, 200
BUSY: dict[str, Any] = SMALL | {"training": SMALL["training"] | {"epochs": 100_000}}
"""A job that is still running when the measurement ends."""


def measure(options: Options) -> Outcome:
    """Measure an idle server, then one that is flooded, then one whose worker trains meanwhile."""
    seconds = SHORT_SUSTAINED_S if options.short else SUSTAINED_S
    with installed() as server, Client(server.url) as client:
        warm_up(client)
        waits = sorted(_wait(client) for _ in range(SHORT_JOBS if options.short else JOBS))
        posts = _posts(server, SHORT_POSTS if options.short else POSTS)
        reads = _reads(server, client, SHORT_READS if options.short else READS)
        idle = _submits(server, WAITING, seconds)
        client.submit(BUSY)
        busy = _submits(server, WAITING, seconds)
        api = server.process("uvicorn").memory_info().rss / MEGABYTE
    figures = {
        "post_to_running_ms": _spread(waits),
        "post_ms": _spread(posts),
        "submits_a_second": {"worker_idle": significant(idle), "worker_busy": significant(busy)},
        "history_read_ms": {kind: _spread(times) for kind, times in reads.items()},
        "api_resident_MB": round(api, 1),
    }
    rows = [
        ("POST to running, idle, ms", waits),
        ("POST alone, ms", posts),
        *((f"{EPOCHS:,} epochs of {len(METRICS)} metrics, {kind}, ms", times) for kind, times in reads.items()),
    ]
    return Outcome(
        "Latency: what the service itself costs",
        ("", "median", "p95", "max"),
        [
            *((what, statistics.median(times), _p95(times), times[-1]) for what, times in rows),
            (f"submits a second, {CLIENTS} clients, worker idle", idle, "", ""),
            (f"submits a second, {CLIENTS} clients, worker busy", busy, "", ""),
            ("the API's memory, MB", api, "", ""),
        ],
        figures,
        [
            Target("submit to start, idle, median", statistics.median(waits), 30, "ms", at_most=True),
            Target("submits a second, sustained", idle, 300),
            Target(
                f"{EPOCHS:,} epochs read as JSON, median", statistics.median(reads["JSON"]), 50, "ms", at_most=True
            ),
        ],
        (
            "From the moment before the POST is sent to started_at, by the database's clock, which is this machine's.",
            (
                f"Submits: {CLIENTS} threads of this process, each with a connection that it keeps, for {seconds:g} "
                "s; the jobs are for a queue that nobody serves. Busy: the worker trains meanwhile on the same cores."
            ),
            "A read is a GET of the whole history over a kept connection, up to its last byte.",
        ),
    )


def _wait(client: Client) -> float:
    """Milliseconds that a job waits on an idle server; it has ended when this returns."""
    sent = time.time()
    job = ended(client, client.submit(SMALL))
    if job.started_at is None:
        raise RuntimeError("expected a job that was started")
    return 1000 * (job.started_at.timestamp() - sent)


class _Connection:
    """A connection that is kept, with nothing in the way: the client's time is not what is measured."""

    def __init__(self, server: Installation) -> None:
        parts = urlsplit(server.url)
        self._http = HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def post(self, spec: bytes) -> None:
        """Submit a job."""
        self._ask("POST", "/v1/jobs", CREATED, spec, {"Content-Type": "application/json"})

    def get(self, path: str, media_type: str) -> bytes:
        """Read a page."""
        return self._ask("GET", path, OK, None, {"Accept": media_type})

    def _ask(self, method: str, path: str, expected: int, body: bytes | None, headers: dict[str, str]) -> bytes:
        self._http.request(method, path, body=body, headers=headers)
        answer = self._http.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"expected {expected}, received {answer.status}: {content[:200]!r}")
        return content


def _posts(server: Installation, times: int) -> list[float]:
    connection, spec = _Connection(server), json.dumps(WAITING).encode()
    return sorted(_milliseconds(lambda: connection.post(spec)) for _ in range(times))


def _submits(server: Installation, spec: dict[str, Any], seconds: float) -> float:
    """Jobs accepted a second, by as many clients as there are, for so long."""
    body, counts = json.dumps(spec).encode(), [0] * CLIENTS
    begin = threading.Barrier(CLIENTS + 1)
    ends: list[float] = []

    def submit(place: int) -> None:
        connection = _Connection(server)
        begin.wait()
        while time.perf_counter() < ends[0]:
            connection.post(body)
            counts[place] += 1

    threads = [threading.Thread(target=submit, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    ends.append(start + seconds)
    begin.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _reads(server: Installation, client: Client, times: int) -> dict[str, list[float]]:
    """Milliseconds to read a long history, as JSON and as CSV."""
    path = f"/v1/jobs/{_long_history(server, client)}/history"
    connection = _Connection(server)
    told = json.loads(connection.get(path, "application/json"))
    if len(told["epochs"]) != EPOCHS or len(told["metrics"]) != len(METRICS):
        raise RuntimeError(f"expected {EPOCHS} epochs of {len(METRICS)} metrics, received {len(told['epochs'])}")
    kinds = {"JSON": "application/json", "CSV": "text/csv"}
    return {
        kind: sorted(
            _milliseconds(lambda media_type=media_type: connection.get(path, media_type)) for _ in range(times)
        )
        for kind, media_type in kinds.items()
    }


def _long_history(server: Installation, client: Client) -> UUID:
    """A job with epochs as a worker records them; it stays running for as long as its lease."""
    submitted = client.submit(WAITING | {"run": {"device": "gpu", "priority": 9}})
    sessions = Sessions(f"sqlite:///{server.data_dir / 'stackyard.db'}")
    rows = [
        EpochRow(epoch, [1 / (1 + epoch + place) + 0.1 * math.sin(epoch) for place in range(len(METRICS))])
        for epoch in range(EPOCHS)
    ]
    with sessions.begin() as session:
        claim = attempts.claim(session, queue=QueueName.GPU.value, worker="bench:1", lease_s=3600)
        if claim is None or str(claim.job_id) != submitted.id:
            raise RuntimeError("expected the job that was submitted last, received another")
        summaries = {name: MetricSummary(None, None, None) for name in METRICS}
        attempts.record_epochs(session, claim, METRICS, rows, summaries)
    sessions.dispose()
    return claim.job_id


def _milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


def _p95(times: list[float]) -> float:
    return times[int(0.95 * (len(times) - 1))]


def _spread(times: list[float]) -> dict[str, float]:
    told = {"median": statistics.median(times), "p95": _p95(times), "max": times[-1]}
    return {"times": len(times)} | {name: significant(value) for name, value in told.items()}
