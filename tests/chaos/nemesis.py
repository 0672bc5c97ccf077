"""The nemesis kills random processes of a server, chosen by a seed, within the limits that the server tolerates."""

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

ROLE_WEIGHTS = {"child": 5, "worker-cpu": 2, "api": 2, "broker": 2, "serve": 1}
"""The relative frequency with which a process of each role is the victim."""
_QUICK_END_S = 12.0
"""`serve` gives up when one of its processes ends three times this soon after its start."""
_MAX_QUICK_ENDS = 2
_PAUSE_S = (0.1, 3.0)
_MAX_WAIT_S = 40.0
_TRAINING_SHARE = 0.8
_MAX_CRASHES = 2
"""The third crash fails a job, by design; the nemesis therefore causes at most two."""


class Nemesis:
    """Kills one process at a time with SIGKILL, and counts the kills.

    Args:
        installation: the server whose processes are killed.
        random: chooses the victims and the times.

    """

    def __init__(self, installation: Installation, random: Random) -> None:
        self.kills: Counter[str] = Counter()
        self._installation = installation
        self._random = random
        self._quick_ends: Counter[str] = Counter()

    def wait_before_strike(self) -> None:
        """Wait a random time; mostly also until a job trains, because an idle server has little to lose."""
        time.sleep(self._random.uniform(*_PAUSE_S))
        if self._random.random() < _TRAINING_SHARE:
            deadline = time.monotonic() + _MAX_WAIT_S
            while time.monotonic() < deadline and not self._is_training():
                time.sleep(0.1)

    def kill_random_process(self) -> str | None:
        """Kill a process of a random role; return the role, or None if no process of it may be killed now."""
        role = self._random.choices(list(ROLE_WEIGHTS), list(ROLE_WEIGHTS.values()))[0]
        prefers_training, position = self._random.random() < _TRAINING_SHARE, self._random.random()
        victims = self._installation.list_processes(role)
        if role == "child" and prefers_training:
            victims = [victim for victim in victims if self._find_job(victim)] or victims
        return self._kill_process(role, victims[int(position * len(victims))]) if victims else None

    def _kill_process(self, role: str, victim: psutil.Process) -> str | None:
        with contextlib.suppress(psutil.Error, SQLAlchemyError):
            if self._is_too_soon(role, victim) or (role == "child" and self._has_crashed_enough(victim)):
                return None
            victim.send_signal(signal.SIGKILL)
            self.kills[role] += 1
            return role
        return None

    def _is_too_soon(self, role: str, victim: psutil.Process) -> bool:
        """Return whether this kill would be one quick end too many for the role; count it otherwise."""
        if role == "child":
            return False
        is_quick = time.time() - victim.create_time() < _QUICK_END_S
        if is_quick and self._quick_ends[role] >= _MAX_QUICK_ENDS:
            return True
        self._quick_ends[role] = self._quick_ends[role] + 1 if is_quick else 0
        return False

    def _is_training(self) -> bool:
        query = select(Job.id).where(Job.state == "running", Job.epochs_done > 0).limit(1)
        with contextlib.suppress(SQLAlchemyError), self._installation.sessions.read() as session:
            return session.scalar(query) is not None
        return False

    def _find_job(self, child: psutil.Process) -> Job | None:
        """Return the job that the child trains, if any."""
        query = select(Job).where(Job.state == "running", Job.worker.like(f"%:{child.pid}"))
        with contextlib.suppress(SQLAlchemyError), self._installation.sessions.read() as session:
            return session.scalar(query)
        return None

    def _has_crashed_enough(self, child: psutil.Process) -> bool:
        job = self._find_job(child)
        return job is not None and job.crashes >= _MAX_CRASHES
