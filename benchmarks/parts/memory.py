"""The memory of one warm worker child over 1,000 jobs of 20 architectures: it must be flat once its cache is full.

The architectures take turns, and each time an architecture comes again its seed, learning rate and dropout rate are
others, as in sweeps.
"""

import time
from typing import Any

import psutil
from installation import Installation, installed, warm_up
from options import Options, progress
from outcome import Outcome, Target
from pairs import significant

from stackyard.client import Client

JOBS, SHORT_JOBS = 1000, 60
ARCHITECTURES, SHORT_ARCHITECTURES = 20, 5
EVERY, SHORT_EVERY = 50, 10
WAITING_AT_MOST = 20
"""Jobs that are queued at a time: enough to keep the worker busy."""
FULL_AFTER = 0.2
"""The share of the jobs after which the cache has long had every architecture, several times."""
GROWTH = 5.0
"""How many percent of the memory, from then to the end, pass for flat: allocators are not exact."""
MEGABYTE = 1_000_000


def measure(options: Options) -> Outcome:
    """Send the jobs, and look at the child between them."""
    jobs, every = (SHORT_JOBS, SHORT_EVERY) if options.short else (JOBS, EVERY)
    architectures = SHORT_ARCHITECTURES if options.short else ARCHITECTURES
    series: list[dict[str, float]] = []
    children: set[int] = set()
    start = time.perf_counter()
    with installed(workers=1) as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        for first in range(0, jobs, every):
            _run(client, [_spec(place, architectures) for place in range(first, first + every)])
            child = _child(server)
            children.add(child.pid)
            megabytes = child.memory_info().rss / MEGABYTE
            series.append({"jobs": first + every, "MB": round(megabytes, 1)})
            progress(f"{first + every} jobs: {megabytes:.0f} MB, {time.perf_counter() - start:.0f} s")
    return _outcome(series, len(children), architectures, time.perf_counter() - start)


def _spec(place: int, architectures: int) -> dict[str, Any]:
    """The job at a place: architectures in turn, of one to four hidden layers and as many widths as it takes."""
    architecture, lap = place % architectures, place // architectures
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
            "seed": place,
        },
    }


def _run(client: Client, specs: list[dict[str, Any]]) -> None:
    """Send jobs, few at a time, and wait until all have ended.

    Raises:
        RuntimeError: one failed.

    """
    going: list[str] = []
    for spec in specs:
        if len(going) >= WAITING_AT_MOST:
            _end(client, going.pop(0))
        going.append(client.submit(spec).id)
    for job_id in going:
        _end(client, job_id)


def _end(client: Client, job_id: str) -> None:
    job = client.wait(job_id, poll=0.2)
    if not job.succeeded:
        raise RuntimeError(f"expected a job that succeeds, received one that is {job.state}: {job.reason}")


def _child(server: Installation) -> psutil.Process:
    """The one that has tensorflow in it: the largest of those below Celery's parent."""
    below = server.process("celery").children(recursive=True)
    return max(below, key=lambda process: process.memory_info().rss)


def _outcome(series: list[dict[str, float]], children: int, architectures: int, seconds: float) -> Outcome:
    jobs = series[-1]["jobs"]
    full = next(point for point in series if point["jobs"] >= FULL_AFTER * jobs)
    grown = series[-1]["MB"] - full["MB"]
    percent = 100 * grown / full["MB"]
    figures = {
        "jobs": jobs,
        "architectures": architectures,
        "worker_children": children,
        "seconds": significant(seconds),
        "grown_MB_after_job": {"job": full["jobs"], "MB": round(grown, 1), "percent": round(percent, 2)},
        "series": series,
    }
    return Outcome(
        f"Memory: a worker child's resident memory over {jobs:.0f} jobs of {architectures} architectures",
        ("jobs", "MB"),
        [(f"{point['jobs']:.0f}", f"{point['MB']:.0f}") for point in series],
        figures,
        [
            Target(f"growth from job {full['jobs']:.0f} to {jobs:.0f}", percent, GROWTH, "%", at_most=True),
            Target("worker children that it took", children, 1, at_most=True),
        ],
        (f"{jobs:.0f} jobs took {seconds:.0f} s; a job has 3 epochs of iris.",),
    )
