"""A trial with several processes that write to one SQLite database, as the API and workers do."""

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

from migrations.upgrade import upgrade_database
from models import Epoch, JobState
from service.datasets.catalog import ensure_builtins
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from service.jobs import attempts, queries
from service.jobs.attempts import Conclusion
from service.settings import Settings
from tests.factories import submit_job
from tests.faults.outcome import Outcome, compute_percentile

_EPOCHS_A_JOB = 7
"""A job's submit, claim, epochs and end make ten transactions."""


def run_writer_trial(url: str, *, processes: int, writes: int) -> Outcome:
    """Run processes that write and read at once as the API and workers do.

    No transaction may fail because the database is locked, and every row must exist at the end.
    """
    start = time.monotonic()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        results = list(pool.map(_write_jobs, [url] * processes, [writes // processes] * processes))
    seconds = time.monotonic() - start
    write_times = [seconds for result in results for seconds in result.write_times]
    expected = Counter(jobs=sum(result.jobs for result in results), epochs=sum(result.epochs for result in results))
    outcome = Outcome(trials=len(write_times), jobs=expected["jobs"])
    outcome.wrong = [error for result in results for error in result.errors] + _check_integrity(url, expected)
    read_times = [seconds for result in results for seconds in result.read_times]
    outcome.figures["writes_a_second"] = f"{len(write_times) / seconds:.0f}"
    for name, times in (("write_ms", write_times), ("look_ms", read_times)):
        shares = (("median", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1))
        outcome.figures[name] = ", ".join(
            f"{word} {1000 * compute_percentile(times, share):.0f}" for word, share in shares
        )
    return outcome


@dataclass
class _WriterResult:
    """The transaction times of one process in seconds, its errors, and the number of its rows."""

    write_times: list[float] = field(default_factory=list)
    read_times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    jobs: int = 0
    epochs: int = 0

    @contextmanager
    def measure_transaction(self, times: list[float]) -> Generator[None]:
        """Append the time of the block's transaction to `times`, and record errors of the database."""
        start = time.perf_counter()
        try:
            yield
        except DATABASE_UNAVAILABLE_ERRORS as error:
            self.errors.append(str(error))
        times.append(time.perf_counter() - start)


def _write_jobs(url: str, writes: int) -> _WriterResult:
    """Submit, claim, train and conclude jobs one after another, in `writes` transactions, and read each job."""
    sessions, result = SessionFactory(url), _WriterResult()
    while len(result.write_times) < writes:
        with result.measure_transaction(result.write_times):
            submit_job(sessions)
            result.jobs += 1
        with result.measure_transaction(result.write_times), sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=3600)
        for epoch in range(_EPOCHS_A_JOB):
            with result.measure_transaction(result.write_times), sessions.begin() as session:
                attempts.renew_lease(session, claim, 3600)
                session.add(Epoch(job_id=claim.job_id, epoch=epoch, values=[0.5]))
            result.epochs += 1
        with result.measure_transaction(result.read_times), sessions.read() as session:
            queries.get_job(session, claim.job_id)
        with result.measure_transaction(result.write_times), sessions.begin() as session:
            attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED))
    sessions.dispose()
    return result


def _check_integrity(url: str, expected: Counter[str]) -> list[str]:
    """Return the faults of the database file and the missing rows, in words."""
    with closing(sqlite3.connect(make_url(url).database or "")) as connection:
        [(integrity,)] = connection.execute("PRAGMA integrity_check").fetchall()
        counts = Counter({name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in expected})  # noqa: S608
        ended = connection.execute("SELECT count(*) FROM jobs WHERE state = 'succeeded'").fetchone()[0]
    wrong = [] if integrity == "ok" else [f"integrity_check: {integrity}"]
    if counts != expected or ended != expected["jobs"]:
        wrong.append(f"expected {expected}, all ended; received {counts}, and {ended} ended")
    return wrong


def create_database(directory: Path) -> str:
    """Create a SQLite database with all tables and the built-in datasets; return its URL."""
    settings = Settings(data_dir=directory)
    upgrade_database(settings)
    sessions = SessionFactory(settings.resolved_database_url)
    with sessions.begin() as session:
        ensure_builtins(session)
    sessions.dispose()
    return settings.resolved_database_url
