"""The overhead of the service: the wait of a job, submits per second, the time to read a history."""

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

from installation import SMALL_JOB, WAITING_JOB, Installation, start_installation, wait_for_job, warm_up
from options import Options
from outcome import Outcome, Target
from pairs import round_significant

from service.db.database import SessionFactory
from service.jobs import attempts
from service.jobs.attempts import EpochMetrics, MetricSummary
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
LONG_JOB: dict[str, Any] = SMALL_JOB | {"training": SMALL_JOB["training"] | {"epochs": 100_000}}
"""A job that runs until the measurement ends."""


def measure(options: Options) -> Outcome:
    """Measure an idle server, then one under load, then one under load whose worker trains."""
    seconds = SHORT_SUSTAINED_S if options.short else SUSTAINED_S
    with start_installation() as server, Client(server.url) as client:
        warm_up(client)
        waits = sorted(_measure_wait(client) for _ in range(SHORT_JOBS if options.short else JOBS))
        posts = _measure_posts(server, SHORT_POSTS if options.short else POSTS)
        reads = _measure_reads(server, client, SHORT_READS if options.short else READS)
        idle = _measure_submit_rate(server, WAITING_JOB, seconds)
        client.submit(LONG_JOB)
        busy = _measure_submit_rate(server, WAITING_JOB, seconds)
        api_megabytes = server.find_process("api").memory_info().rss / MEGABYTE
    figures = {
        "post_to_running_ms": _summarize_times(waits),
        "post_ms": _summarize_times(posts),
        "submits_a_second": {"worker_idle": round_significant(idle), "worker_busy": round_significant(busy)},
        "history_read_ms": {kind: _summarize_times(times) for kind, times in reads.items()},
        "api_resident_MB": round(api_megabytes, 1),
    }
    rows = [
        ("POST to running, idle, ms", waits),
        ("POST alone, ms", posts),
        *((f"{EPOCHS:,} epochs of {len(METRICS)} metrics, {kind}, ms", times) for kind, times in reads.items()),
    ]
    return Outcome(
        "Latency: the overhead of the service",
        ("", "median", "p95", "max"),
        [
            *((label, statistics.median(times), _compute_p95(times), times[-1]) for label, times in rows),
            (f"submits a second, {CLIENTS} clients, worker idle", idle, "", ""),
            (f"submits a second, {CLIENTS} clients, worker busy", busy, "", ""),
            ("the API's memory, MB", api_megabytes, "", ""),
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
                "s; the jobs are for a queue without a worker. Busy: the worker trains meanwhile on the same cores."
            ),
            "A read is a GET of the whole history over a persistent connection, to its last byte.",
        ),
    )


def _measure_wait(client: Client) -> float:
    """Run a job on an idle server; return the milliseconds that it waited."""
    sent = time.time()
    job = wait_for_job(client, client.submit(SMALL_JOB))
    if job.started_at is None:
        raise RuntimeError("expected a job that was started")
    return 1000 * (job.started_at.timestamp() - sent)


class _Connection:
    """A persistent connection without the overhead of a client library, which must not be measured."""

    def __init__(self, server: Installation) -> None:
        parts = urlsplit(server.url)
        self._http = HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def submit_job(self, spec: bytes) -> None:
        """Submit a job."""
        self._send_request("POST", "/v1/jobs", CREATED, spec, {"Content-Type": "application/json"})

    def read_page(self, path: str, media_type: str) -> bytes:
        """Return the content of a page."""
        return self._send_request("GET", path, OK, None, {"Accept": media_type})

    def _send_request(
        self, method: str, path: str, expected: int, body: bytes | None, headers: dict[str, str]
    ) -> bytes:
        self._http.request(method, path, body=body, headers=headers)
        response = self._http.getresponse()
        content = response.read()
        if response.status != expected:
            raise RuntimeError(f"expected {expected}, received {response.status}: {content[:200]!r}")
        return content


def _measure_posts(server: Installation, times: int) -> list[float]:
    connection, spec = _Connection(server), json.dumps(WAITING_JOB).encode()
    return sorted(_time_action(lambda: connection.submit_job(spec)) for _ in range(times))


def _measure_submit_rate(server: Installation, spec: dict[str, Any], seconds: float) -> float:
    """Submit with all clients at once for this many seconds; return the accepted jobs per second."""
    body, counts = json.dumps(spec).encode(), [0] * CLIENTS
    begin = threading.Barrier(CLIENTS + 1)
    ends: list[float] = []

    def submit_jobs(index: int) -> None:
        connection = _Connection(server)
        begin.wait()
        while time.perf_counter() < ends[0]:
            connection.submit_job(body)
            counts[index] += 1

    threads = [threading.Thread(target=submit_jobs, args=(index,)) for index in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    ends.append(start + seconds)
    begin.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _measure_reads(server: Installation, client: Client, times: int) -> dict[str, list[float]]:
    """Return the milliseconds to read a long history, as JSON and as CSV."""
    path = f"/v1/jobs/{_create_long_history(server, client)}/history"
    connection = _Connection(server)
    history = json.loads(connection.read_page(path, "application/json"))
    if len(history["epochs"]) != EPOCHS or len(history["metrics"]) != len(METRICS):
        raise RuntimeError(f"expected {EPOCHS} epochs of {len(METRICS)} metrics, received {len(history['epochs'])}")
    kinds = {"JSON": "application/json", "CSV": "text/csv"}
    return {
        kind: sorted(
            _time_action(lambda media_type=media_type: connection.read_page(path, media_type)) for _ in range(times)
        )
        for kind, media_type in kinds.items()
    }


def _create_long_history(server: Installation, client: Client) -> UUID:
    """Create a running job with many epochs; return its id. It runs as long as its lease."""
    submitted = client.submit(WAITING_JOB | {"run": {"device": "gpu", "priority": 9}})
    sessions = SessionFactory(f"sqlite:///{server.data_dir / 'stackyard.db'}")
    rows = [
        EpochMetrics(epoch, [1 / (1 + epoch + index) + 0.1 * math.sin(epoch) for index in range(len(METRICS))])
        for epoch in range(EPOCHS)
    ]
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue=QueueName.GPU.value, worker="bench:1", lease_s=3600)
        if claim is None or str(claim.job_id) != submitted.id:
            raise RuntimeError("expected the job that was submitted last, received another")
        summaries = {name: MetricSummary(None, None, None) for name in METRICS}
        attempts.record_epochs(session, claim, METRICS, rows, summaries)
    sessions.dispose()
    return claim.job_id


def _time_action(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


def _compute_p95(times: list[float]) -> float:
    return times[int(0.95 * (len(times) - 1))]


def _summarize_times(times: list[float]) -> dict[str, float]:
    values = {"median": statistics.median(times), "p95": _compute_p95(times), "max": times[-1]}
    return {"times": len(times)} | {name: round_significant(value) for name, value in values.items()}
