"""SIGTERM to a worker, as in a deploy or a shutdown: it releases its jobs, and they continue elsewhere."""

import contextlib
import signal
import time
from collections import Counter
from typing import Any

import psutil

from tests.chaos.report import Result
from tests.chaos.round import Round, Say, start_round

_MAX_STOP_S = 20.0
_WITH_CHILDREN = "worker and children"
_MIN_UPTIME_S = 12.0
"""`serve` gives up after a worker ends three times sooner than this after its start."""


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Send SIGTERM `trials` times to the worker, alone or with its children, as a service manager does."""
    start = time.monotonic()
    counts: Counter[str] = Counter()
    stop_times: list[float] = []
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        while counts.total() < trials:
            time.sleep(round_.random.uniform(0.5, 4.0))
            kind = round_.random.choice(["worker", _WITH_CHILDREN])
            if (seconds := _stop_worker(round_, kind)) is not None:
                counts[kind] += 1
                stop_times.append(seconds)
                say(f"deploy {counts.total()} of {trials}: {kind}; ended after {seconds:.1f} s")
        verdict = round_.finish()
        measured = {"longest end, s": round(max(stop_times), 1)}
        broken = [f"a worker ended after {seconds:.1f} s" for seconds in stop_times if seconds > _MAX_STOP_S]
        return Result.from_round(round_, "deploys", start, counts, verdict, measured, broken)


def _stop_worker(round_: Round, kind: str) -> float | None:
    with contextlib.suppress(psutil.Error):
        worker = next(iter(round_.installation.list_processes("worker-cpu")), None)
        if worker is None or time.time() - worker.create_time() < _MIN_UPTIME_S:
            return None
        children = round_.installation.list_processes("child") if kind == _WITH_CHILDREN else []
        start = time.monotonic()
        for process in (worker, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
        worker.wait(120)
        return time.monotonic() - start
    return None
