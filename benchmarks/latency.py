"""How long a job waits on an idle server with a warm worker, what a POST costs, and what the API weighs.

A job waits from the moment before its POST is sent until its attempt begins; the database's clock, which says when
that was, is this machine's.
"""

import statistics
import time
from datetime import UTC, datetime
from typing import Any

import psutil
from installation import Installation, installed, keep, machine

from stackyard.client import Client

JOBS = 20
POSTS = 200
SPEC: dict[str, Any] = {
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "training": {"loss": "sparse_categorical_crossentropy", "epochs": 1, "seed": 0},
}
WAITING: dict[str, Any] = SPEC | {"run": {"device": "gpu"}}
"""Nobody serves this job's queue, so that the POST is measured alone and not the training behind it."""
MEGABYTE = 1_000_000


def main() -> None:
    """Measure, print a table, and keep the figures in `benchmarks/results`."""
    with installed() as server:
        figures = _measure(server)
    figures["machine"] = machine()
    for name, figure in figures.items():
        print(f"{name:32} {figure}")
    keep("latency", figures)


def _measure(server: Installation) -> dict[str, Any]:
    with Client(server.url) as client:
        client.wait(client.submit(SPEC).id)  # the first job finds a worker that is still starting
        waits = sorted(_wait(client) for _ in range(JOBS))
        posts = sorted(1000 * _timed(lambda: client.submit(WAITING)) for _ in range(POSTS))
    return {
        "jobs": JOBS,
        "post_to_running_ms_median": round(statistics.median(waits), 1),
        "post_to_running_ms_max": round(waits[-1], 1),
        "posts": POSTS,
        "post_ms_median": round(statistics.median(posts), 1),
        "post_ms_p95": round(posts[int(len(posts) * 0.95)], 1),
        "api_resident_MB": round(_api(server.pid).memory_info().rss / MEGABYTE, 1),
    }


def _wait(client: Client) -> float:
    """Milliseconds that a job waits on an idle server; it has ended when this returns."""
    sent = datetime.now(UTC)
    started = client.wait(client.submit(SPEC).id).started_at
    if started is None:
        raise ValueError("expected a job that was started")
    return 1000 * (started - sent).total_seconds()


def _timed(action: Any) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _api(server: int) -> psutil.Process:
    return next(
        process for process in psutil.Process(server).children(recursive=True) if "uvicorn" in process.cmdline()
    )


if __name__ == "__main__":
    main()
