"""SIGSTOP for longer than the lease, then SIGCONT: the process resumes as if it still held its job."""

import contextlib
import signal
import time
from collections import Counter
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import select

from models import Job
from tests.chaos.installation import QUICK, Installation
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, start_round

_STOP_LEASES = (1.1, 1.8)
"""The time for which a process is stopped, in leases."""


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Stop a training child `trials` times, alone or with its whole worker, until another process has its job."""
    start = time.monotonic()
    stopped: Counter[str] = Counter()
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        while stopped.total() < trials:
            if kind := _stop_process(round_):
                stopped[kind] += 1
                say(f"stop {stopped.total()} of {trials}: {kind}")
            time.sleep(round_.random.uniform(0.2, 2.0))
        verdict = round_.finish()
        return Result.from_round(round_, "stops", start, stopped, verdict, {})


def _stop_process(round_: Round) -> str | None:
    children = [
        child for child in round_.installation.list_processes("child") if _find_job(round_.installation, child)
    ]
    if not children:
        return None
    child = round_.random.choice(children)
    kind = round_.random.choice(["a child", "a worker with its children"])
    with contextlib.suppress(psutil.Error):
        victims = [child] if kind == "a child" else [child.parent(), *child.parent().children()]
        for victim in victims:
            victim.send_signal(signal.SIGSTOP)
        time.sleep(float(QUICK["STACKYARD_LEASE_S"]) * round_.random.uniform(*_STOP_LEASES))
        for victim in victims:
            with contextlib.suppress(psutil.Error):
                victim.send_signal(signal.SIGCONT)
        return kind
    return None


def _find_job(installation: Installation, child: psutil.Process) -> UUID | None:
    query = select(Job.id).where(Job.state == "running", Job.worker.like(f"%:{child.pid}"), Job.epochs_done > 0)
    with installation.sessions.read() as session:
        return session.scalar(query)
