"""The memory of a warm worker child over 1,000 jobs of 20 architectures; it must not grow once the cache is full.

The architectures take turns. Each time an architecture returns, it has another seed, learning rate and dropout rate,
as in a sweep.
"""

import time
from typing import Any

import psutil
from installation import Installation, start_installation, warm_up
from options import Options, print_progress
from outcome import Outcome, Target
from pairs import round_significant

from stackyard.client import Client

JOBS, SHORT_JOBS = 1000, 60
ARCHITECTURES, SHORT_ARCHITECTURES = 20, 5
EVERY, SHORT_EVERY = 50, 10
MAX_QUEUED = 20
"""The number of queued jobs, enough to keep the worker busy."""
FULL_AFTER = 0.2
"""The share of jobs after which the cache contains every architecture."""
MAX_GROWTH_PERCENT = 5.0
"""The allowed growth from then to the end, because allocators are not exact."""
MEGABYTE = 1_000_000


def measure(options: Options) -> Outcome:
    """Submit the jobs, and measure the child's memory between them."""
    jobs, every = (SHORT_JOBS, SHORT_EVERY) if options.short else (JOBS, EVERY)
    architectures = SHORT_ARCHITECTURES if options.short else ARCHITECTURES
    series: list[dict[str, float]] = []
    children: set[int] = set()
    start = time.perf_counter()
    with start_installation(workers=1) as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        for first in range(0, jobs, every):
            _train_all(client, [_build_spec(index, architectures) for index in range(first, first + every)])
            child = _find_training_child(server)
            children.add(child.pid)
            megabytes = child.memory_info().rss / MEGABYTE
            series.append({"jobs": first + every, "MB": round(megabytes, 1)})
            print_progress(f"{first + every} jobs: {megabytes:.0f} MB, {time.perf_counter() - start:.0f} s")
    return _build_outcome(series, len(children), architectures, time.perf_counter() - start)


def _build_spec(index: int, architectures: int) -> dict[str, Any]:
    """Return the spec of a job: architectures in turn, with one to four hidden layers of various widths."""
    architecture, lap = index % architectures, index // architectures
    hidden: list[dict[str, Any]] = []
    for _ in range(1 + architecture % 4):
        hidden += [
            {"type": "Dense", "units": 16 * (1 + architecture // 4), "activation": "relu"},
            {"type": "BatchNormalization"},
            {"type": "Dropout", "rate": 0.1 + 0.3 * (lap % 7) / 7},
        ]
    return {
        "data": {
            "dataset": "builtin:iris",
            "target": {"column": "target"},
            "split": {"validation": {"method": "random", "train_fraction": 0.8, "seed": 0}},
        },
        "network": {"layers": [*hidden, {"type": "Dense", "units": 3, "activation": "softmax"}]},
        "training": {
            "optimizer": {"type": "Adam", "learning_rate": 0.001 * (1 + lap % 5)},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            "epochs": 3,
            "seed": index,
        },
    }


def _train_all(client: Client, specs: list[dict[str, Any]]) -> None:
    """Send jobs, few at a time, and wait until all have ended.

    Raises:
        RuntimeError: one failed.

    """
    queued: list[str] = []
    for spec in specs:
        if len(queued) >= MAX_QUEUED:
            _wait_for_success(client, queued.pop(0))
        queued.append(client.submit(spec).id)
    for job_id in queued:
        _wait_for_success(client, job_id)


def _wait_for_success(client: Client, job_id: str) -> None:
    job = client.wait(job_id, poll=0.2)
    if not job.succeeded:
        raise RuntimeError(f"expected a job that succeeds, received one that is {job.state}: {job.reason}")


def _find_training_child(server: Installation) -> psutil.Process:
    """Return the child that has loaded tensorflow: the largest below Celery's parent."""
    children = server.find_process("celery").children(recursive=True)
    return max(children, key=lambda process: process.memory_info().rss)


def _build_outcome(series: list[dict[str, float]], children: int, architectures: int, seconds: float) -> Outcome:
    jobs = series[-1]["jobs"]
    full = next(point for point in series if point["jobs"] >= FULL_AFTER * jobs)
    grown = series[-1]["MB"] - full["MB"]
    percent = 100 * grown / full["MB"]
    figures = {
        "jobs": jobs,
        "architectures": architectures,
        "worker_children": children,
        "seconds": round_significant(seconds),
        "grown_MB_after_job": {"job": full["jobs"], "MB": round(grown, 1), "percent": round(percent, 2)},
        "series": series,
    }
    return Outcome(
        f"Memory: a worker child's resident memory over {jobs:.0f} jobs of {architectures} architectures",
        ("jobs", "MB"),
        [(f"{point['jobs']:.0f}", f"{point['MB']:.0f}") for point in series],
        figures,
        [
            Target(
                f"growth from job {full['jobs']:.0f} to {jobs:.0f}", percent, MAX_GROWTH_PERCENT, "%", at_most=True
            ),
            Target("worker children that it took", children, 1, at_most=True),
        ],
        (f"{jobs:.0f} jobs took {seconds:.0f} s; a job has 3 epochs of iris.",),
    )
