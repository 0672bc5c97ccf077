"""Jobs that crash their process whenever they train, among many others."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import Job
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, start_round

_SIGNALS = {"segfault": signal.SIGSEGV, "out of memory": signal.SIGKILL}
_KIND = "callbacks"
_OTHERS_PER_TRIAL = 10
CRASHED = frozenset({"failed crashed"})


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Submit `trials` poisonous jobs among `jobs` others; by default ten others for each."""
    start = time.monotonic()
    poison: dict[UUID, str] = {}
    counts: Counter[str] = Counter()
    closing = threading.Event()
    with start_round(database, seed=seed, say=say, **options) as round_:
        crasher = threading.Thread(target=_crash_poisonous_jobs, args=(round_, poison, counts, closing), daemon=True)
        crasher.start()
        others = jobs or _OTHERS_PER_TRIAL * trials
        round_.load.start(others)
        for number in range(trials):
            while len(round_.load.accepted) < others * number / trials:
                time.sleep(0.2)
            kind = round_.random.choice(list(_SIGNALS))
            job_id = round_.load.submit_job(_KIND, 1_000_000 + number)
            round_.expected[job_id] = CRASHED
            round_.load.accepted[job_id] = "poison"
            poison[job_id] = kind
            say(f"poison {number + 1} of {trials}: {kind}; {len(round_.load.accepted)} jobs accepted")
        while not round_.load.is_submitted:
            time.sleep(0.2)
        verdict = round_.finish()
        closing.set()
        crasher.join()
        return Result.from_round(
            round_,
            "poison",
            start,
            counts,
            verdict,
            {"reasons": _read_reasons(round_, poison)},
            _check_crash_counts(round_, poison),
        )


def _crash_poisonous_jobs(
    round_: Round, poison: dict[UUID, str], counts: Counter[str], closing: threading.Event
) -> None:
    """Send the poisonous jobs' processes the signal of their fault."""
    crashed: set[tuple[UUID, int]] = set()
    while not closing.wait(0.05):
        with contextlib.suppress(SQLAlchemyError, OSError), round_.installation.sessions.read() as session:
            query = select(Job).where(Job.state == "running", Job.epochs_done > 0, Job.id.in_(list(poison)))
            for job in session.scalars(query):
                if (job.id, job.attempt) not in crashed and job.worker:
                    os.kill(int(job.worker.rpartition(":")[2]), _SIGNALS[poison[job.id]])
                    crashed.add((job.id, job.attempt))
                    counts[poison[job.id]] += 1


def _read_reasons(round_: Round, poison: dict[UUID, str]) -> list[object]:
    with round_.installation.sessions.read() as session:
        return list(session.scalars(select(Job.reason).where(Job.id.in_(list(poison)))))[:4]


def _check_crash_counts(round_: Round, poison: dict[UUID, str]) -> list[str]:
    with round_.installation.sessions.read() as session:
        jobs = session.scalars(select(Job).where(Job.id.in_(list(poison)))).all()
    return [f"{job.id} ended after {job.crashes} crashes; expected 3" for job in jobs if job.crashes != 3]
