"""SIGTERM to a worker, as on a deploy or from a machine that goes: its jobs are handed back, and go on elsewhere."""

import contextlib
import signal
import time
from collections import Counter
from typing import Any

import psutil

from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun

_HANDED_BACK_WITHIN_S = 20.0
_FOR_ALL = "worker and children"
_UP_FOR_S = 12.0
"""A worker that ends sooner after its start, and so three times, makes `serve` give up."""


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Tell the worker so many times to end, alone or with its children, as a service manager would."""
    began = time.monotonic()
    done: Counter[str] = Counter()
    took: list[float] = []
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        while done.total() < trials:
            time.sleep(round_.random.uniform(0.5, 4.0))
            kind = round_.random.choice(["worker", _FOR_ALL])
            if (seconds := _end(round_, kind)) is not None:
                done[kind] += 1
                took.append(seconds)
                say(f"deploy {done.total()} of {trials}: {kind}; ended after {seconds:.1f} s")
        verdict = round_.end()
        measured = {"longest end, s": round(max(took), 1)}
        broken = [f"a worker ended after {seconds:.1f} s" for seconds in took if seconds > _HANDED_BACK_WITHIN_S]
        return Result.of(round_, "deploys", began, done, verdict, measured, broken)


def _end(round_: Round, kind: str) -> float | None:
    with contextlib.suppress(psutil.Error):
        worker = next(iter(round_.installation.processes("worker-cpu")), None)
        if worker is None or time.time() - worker.create_time() < _UP_FOR_S:
            return None
        children = round_.installation.processes("child") if kind == _FOR_ALL else []
        began = time.monotonic()
        for process in (worker, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
        worker.wait(120)
        return time.monotonic() - began
    return None
