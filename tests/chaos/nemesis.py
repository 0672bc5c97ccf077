"""Who kills: a seeded choice among a server's processes, sparing what it is said not to survive."""

import contextlib
import signal
import time
from collections import Counter
from random import Random

import psutil
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import Job
from tests.chaos.installation import Installation

PARTS = {"child": 5, "worker-cpu": 2, "api": 2, "broker": 2, "serve": 1}
"""How often each is the victim, beside the others."""
_QUICK_END_S = 12.0
"""A part of `serve` that ends three times this soon after its start makes it give up."""
_QUICK_ENDS = 2
_PAUSE_S = (0.1, 3.0)
_LONGEST_WAIT_S = 40.0
_AT_WORK = 0.8
_CRASHES = 2
"""A job that took its process down three times is failed, as it should: so many are a nemesis's to cause."""


class Nemesis:
    """Kills one process at a time with SIGKILL, and counts.

    Args:
        installation: whose processes.
        random: which of them, and when.

    """

    def __init__(self, installation: Installation, random: Random) -> None:
        self.kills: Counter[str] = Counter()
        self._installation = installation
        self._random = random
        self._quick: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return sum(self.kills.values())

    def wait(self) -> None:
        """Let some time pass; mostly until a job trains, for else there is little to harm."""
        time.sleep(self._random.uniform(*_PAUSE_S))
        if self._random.random() < _AT_WORK:
            deadline = time.monotonic() + _LONGEST_WAIT_S
            while time.monotonic() < deadline and not self._at_work():
                time.sleep(0.1)

    def strike(self) -> str | None:
        """Kill a process, if one is there that may be killed; its part, or None."""
        part = self._random.choices(list(PARTS), list(PARTS.values()))[0]
        at_work, order = self._random.random() < _AT_WORK, self._random.random()
        victims = self._installation.processes(part)
        if part == "child" and at_work:
            victims = [victim for victim in victims if self._job_of(victim)] or victims
        return self._kill(part, victims[int(order * len(victims))]) if victims else None

    def _kill(self, part: str, victim: psutil.Process) -> str | None:
        with contextlib.suppress(psutil.Error, SQLAlchemyError):
            if self._too_often(part, victim) or (part == "child" and self._spared(victim)):
                return None
            victim.send_signal(signal.SIGKILL)
            self.kills[part] += 1
            return part
        return None

    def _too_often(self, part: str, victim: psutil.Process) -> bool:
        """Whether this kill would be one too many of a part that has just been started."""
        if part == "child":
            return False
        quick = time.time() - victim.create_time() < _QUICK_END_S
        if quick and self._quick[part] >= _QUICK_ENDS:
            return True
        self._quick[part] = self._quick[part] + 1 if quick else 0
        return False

    def _at_work(self) -> bool:
        with contextlib.suppress(SQLAlchemyError), self._installation.sessions.read() as session:
            return (
                session.scalar(select(Job.id).where(Job.state == "running", Job.epochs_done > 0).limit(1)) is not None
            )
        return False

    def _job_of(self, child: psutil.Process) -> Job | None:
        """The job that it trains, if it does."""
        query = select(Job).where(Job.state == "running", Job.worker.like(f"%:{child.pid}"))
        with contextlib.suppress(SQLAlchemyError), self._installation.sessions.read() as session:
            return session.scalar(query)
        return None

    def _spared(self, child: psutil.Process) -> bool:
        job = self._job_of(child)
        return job is not None and job.crashes >= _CRASHES
