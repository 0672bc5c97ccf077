"""Jobs that take their process down whenever they train, among many others."""

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
from tests.chaos.round import Round, Say, begun

_SIGNALS = {"segfault": signal.SIGSEGV, "out of memory": signal.SIGKILL}
_KIND = "callbacks"
_OTHERS = 10
CRASHED = frozenset({"failed crashed"})


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Send so many such jobs, among so many others (ten for each, unless said otherwise)."""
    began = time.monotonic()
    poison: dict[UUID, str] = {}
    done: Counter[str] = Counter()
    closing = threading.Event()
    with begun(database, seed=seed, say=say, **options) as round_:
        executioner = threading.Thread(target=_take_down, args=(round_, poison, done, closing), daemon=True)
        executioner.start()
        others = jobs or _OTHERS * trials
        round_.load.start(others)
        for number in range(trials):
            while len(round_.load.accepted) < others * number / trials:
                time.sleep(0.2)
            kind = round_.random.choice(list(_SIGNALS))
            job_id = round_.load.submit(_KIND, 1_000_000 + number)
            round_.expected[job_id] = CRASHED
            round_.load.accepted[job_id] = "poison"
            poison[job_id] = kind
            say(f"poison {number + 1} of {trials}: {kind}; {len(round_.load.accepted)} jobs accepted")
        while not round_.load.submitted:
            time.sleep(0.2)
        verdict = round_.end()
        closing.set()
        executioner.join()
        return Result.of(
            round_, "poison", began, done, verdict, {"reasons": _reasons(round_, poison)}, _wrong(round_, poison)
        )


def _take_down(round_: Round, poison: dict[UUID, str], done: Counter[str], closing: threading.Event) -> None:
    """Do to the processes of these jobs what a fault in them would."""
    struck: set[tuple[UUID, int]] = set()
    while not closing.wait(0.05):
        with contextlib.suppress(SQLAlchemyError, OSError), round_.installation.sessions.read() as session:
            query = select(Job).where(Job.state == "running", Job.epochs_done > 0, Job.id.in_(list(poison)))
            for job in session.scalars(query):
                if (job.id, job.attempt) not in struck and job.worker:
                    os.kill(int(job.worker.rpartition(":")[2]), _SIGNALS[poison[job.id]])
                    struck.add((job.id, job.attempt))
                    done[poison[job.id]] += 1


def _reasons(round_: Round, poison: dict[UUID, str]) -> list[object]:
    with round_.installation.sessions.read() as session:
        return list(session.scalars(select(Job.reason).where(Job.id.in_(list(poison)))))[:4]


def _wrong(round_: Round, poison: dict[UUID, str]) -> list[str]:
    with round_.installation.sessions.read() as session:
        found = session.scalars(select(Job).where(Job.id.in_(list(poison)))).all()
    return [f"{job.id} was given {job.crashes} attempts after crashes, not 3" for job in found if job.crashes != 3]
