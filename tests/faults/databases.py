"""Processes that write to one SQLite database at once, as the API and workers do."""

import sqlite3
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy.engine import make_url

from migrations.upgrade import upgrade
from models import Epoch, JobState
from service.datasets.catalog import ensure_builtins
from service.db.database import UNAVAILABLE, Sessions
from service.jobs import attempts, jobs
from service.jobs.attempts import Conclusion
from service.settings import Settings
from tests.factories import submit
from tests.faults.outcome import Outcome, percentile

_EPOCHS_A_JOB = 7
"""With the submit, the claim and the end, ten transactions."""


def writers(url: str, *, processes: int, writes: int) -> Outcome:
    """Have processes write at once what the API and workers write, and look meanwhile.

    Nobody may be told that the database is locked, and what was written is to be there.
    """
    began = time.monotonic()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        results = list(pool.map(_write, [url] * processes, [writes // processes] * processes))
    took = time.monotonic() - began
    waits = [wait for result in results for wait in result.waits]
    expected = Counter(jobs=sum(result.jobs for result in results), epochs=sum(result.epochs for result in results))
    outcome = Outcome(trials=len(waits), jobs=expected["jobs"])
    outcome.wrong = [error for result in results for error in result.errors] + _integrity(url, expected)
    outcome.figures["writes_a_second"] = f"{len(waits) / took:.0f}"
    for name, times in (("write_ms", waits), ("look_ms", [look for result in results for look in result.looks])):
        shares = (("median", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1))
        outcome.figures[name] = ", ".join(f"{word} {1000 * percentile(times, share):.0f}" for word, share in shares)
    return outcome


@dataclass
class _Written:
    """What one process did: seconds that each transaction took, and what went wrong."""

    waits: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    jobs: int = 0
    epochs: int = 0

    @contextmanager
    def timed(self, kind: list[float]) -> Generator[None]:
        """A transaction; what the database refuses is noted."""
        began = time.perf_counter()
        try:
            yield
        except UNAVAILABLE as error:
            self.errors.append(str(error))
        kind.append(time.perf_counter() - began)


def _write(url: str, writes: int) -> _Written:
    """Jobs' lives, one after another: so many transactions that write, and a look at each job."""
    sessions, done = Sessions(url), _Written()
    while len(done.waits) < writes:
        with done.timed(done.waits):
            submit(sessions)
            done.jobs += 1
        with done.timed(done.waits), sessions.begin() as session:
            claim = attempts.claim(session, queue="cpu", worker="here:1", lease_s=3600)
        for epoch in range(_EPOCHS_A_JOB):
            with done.timed(done.waits), sessions.begin() as session:
                attempts.renew(session, claim, 3600)
                session.add(Epoch(job_id=claim.job_id, epoch=epoch, values=[0.5]))
            done.epochs += 1
        with done.timed(done.looks), sessions.read() as session:
            jobs.get(session, claim.job_id)
        with done.timed(done.waits), sessions.begin() as session:
            attempts.conclude(session, claim, Conclusion(JobState.SUCCEEDED))
    sessions.dispose()
    return done


def _integrity(url: str, expected: Counter[str]) -> list[str]:
    """What is wrong with the file, or missing in it."""
    with closing(sqlite3.connect(make_url(url).database or "")) as connection:
        [(integrity,)] = connection.execute("PRAGMA integrity_check").fetchall()
        found = Counter({name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in expected})  # noqa: S608
        ended = connection.execute("SELECT count(*) FROM jobs WHERE state = 'succeeded'").fetchone()[0]
    wrong = [] if integrity == "ok" else [f"integrity_check: {integrity}"]
    if found != expected or ended != expected["jobs"]:
        wrong.append(f"expected {expected}, all ended; found {found}, and {ended} ended")
    return wrong


def prepared(directory: Path) -> str:
    """The URL of a new SQLite database with its tables and the built-in datasets."""
    settings = Settings(data_dir=directory)
    upgrade(settings)
    sessions = Sessions(settings.database)
    with sessions.begin() as session:
        ensure_builtins(session)
    sessions.dispose()
    return settings.database
