"""The list of jobs with 100,000 jobs, on SQLite and on PostgreSQL: milliseconds for a page, in the API's process.

It needs the packages of the development environment, for the PostgreSQL server.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from fastapi.testclient import TestClient
from options import Options, print_progress
from outcome import Outcome, Target
from pairs import round_significant
from sqlalchemy import insert, inspect, text
from sqlalchemy.engine import make_url

from api.app import create_app
from migrations.upgrade import upgrade_database
from models import Job, JobMetric, JobState, JobTag
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.settings import Settings
from tests.factories import submit_job
from tests.servers.postgres import Postgres

JOBS, SHORT_JOBS = 100_000, 10_000
REPEATS, SHORT_REPEATS = 15, 3
CHUNK = 5_000
METRICS = ("loss", "val_loss", "val_accuracy")
BOUND_MS = 100
_STATES = (JobState.SUCCEEDED,) * 90 + (JobState.FAILED,) * 5 + (JobState.DIVERGED,) * 3 + (JobState.CANCELLED,) * 2
_NOTHING = {"q": "zzzz"}

PAGES: dict[str, dict[str, str]] = {
    "newest": {},
    "newest, with sparklines": {"sparkline": "loss"},
    "search, many matches": {"q": "run 9"},
    "search, few matches": {"q": "run 99999"},
    "search, a tag": {"q": "sweep-7"},
    "search, no match": _NOTHING,
    "best of a metric": {"sort": "metrics.val_loss.best", "order": "asc"},
    "best of a metric, one state of many jobs": {"sort": "metrics.val_loss.best", "state": "succeeded"},
    "best of a metric, one state of few jobs": {"sort": "metrics.val_loss.best", "state": "cancelled"},
    "best of a metric, one tag": {"sort": "metrics.val_loss.best", "order": "asc", "tag": "sweep-7"},
    "best of a metric, one dataset": {"sort": "metrics.val_loss.best", "dataset": "builtin:iris"},
    "best of a metric, search": {"sort": "metrics.val_loss.best", "q": "run 9"},
    "best of a metric, search without a match": {"sort": "metrics.val_loss.best"} | _NOTHING,
    "duration": {"sort": "duration"},
    "name": {"sort": "name", "order": "asc"},
}


def measure(options: Options) -> Outcome:
    """Measure each page on each kind of database."""
    jobs = SHORT_JOBS if options.short else JOBS
    repeats = options.choose_repetitions(REPEATS, SHORT_REPEATS)
    with tempfile.TemporaryDirectory(prefix="lists-", dir="/tmp") as directory:  # a socket's path is short
        times = {kind: _measure_pages(url, jobs, repeats) for kind, url in _open_databases(Path(directory))}
    medians = {
        kind: {page: statistics.median(values) for page, values in pages.items()} for kind, pages in times.items()
    }
    rows = [(page, *(f"{medians[kind][page]:.1f}" for kind in medians)) for page in (*PAGES, "counts by state")]
    return Outcome(
        f"Lists: a page of 50 of {jobs:,} jobs, median milliseconds",
        ("page", *medians),
        rows,
        {"jobs": jobs, "median_ms": {kind: _round_all(pages) for kind, pages in medians.items()}},
        [
            Target(f"slowest page, {kind}", max(pages.values()), BOUND_MS, "ms", at_most=True)
            for kind, pages in medians.items()
        ],
        ("Each request goes through the whole API in one process, without a network.",),
    )


def _round_all(medians: dict[str, float]) -> dict[str, float]:
    return {page: round_significant(value) for page, value in medians.items()}


@contextmanager
def _open_postgres(directory: Path) -> Generator[str]:
    server = Postgres(directory)
    try:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lists")
        url = make_url(server.admin_url).set(drivername="postgresql+psycopg", database="lists")
        yield url.render_as_string()
    finally:
        server.close()


def _open_databases(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the URL of a database of each kind, one after the other."""
    yield "SQLite", f"sqlite:///{directory / 'lists.db'}"
    (directory / "pg").mkdir()
    with _open_postgres(directory / "pg") as url:
        yield "PostgreSQL", url


def _measure_pages(url: str, jobs: int, repeats: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as data_dir:
        settings = Settings(data_dir=Path(data_dir), database_url=url, broker_url="redis://127.0.0.1:1")
        upgrade_database(settings)
        print_progress(f"writing {jobs:,} jobs to {url.partition(':')[0]}")
        _insert_jobs(url, jobs)
        with TestClient(create_app(settings), "http://127.0.0.1") as http:
            requests = {page: ("/v1/jobs", query) for page, query in PAGES.items()}
            requests["counts by state"] = ("/v1/jobs/counts", {})
            return {page: _measure_request(http, *request, repeats) for page, request in requests.items()}


def _measure_request(http: TestClient, path: str, query: dict[str, str], repeats: int) -> list[float]:
    times: list[float] = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        http.get(path, params=query).raise_for_status()
        times.append(1000 * (time.perf_counter() - start))
    return times[1:]  # the first request fills caches


def _insert_jobs(url: str, jobs: int) -> None:
    """Write ended jobs with three metrics and two tags each, in the shape of a real one."""
    sessions = SessionFactory(url)
    with sessions.begin() as session:
        ensure_builtins(session)
    template = submit_job(sessions)
    columns = {column.key: getattr(template, column.key) for column in inspect(Job).column_attrs}
    draw = random.Random(0)  # noqa: S311  # the values protect nothing
    start = datetime.now(UTC) - timedelta(days=100)
    for first in range(0, jobs, CHUNK):
        numbers = range(first, min(first + CHUNK, jobs))
        rows = [columns | _build_changes(number, start + timedelta(minutes=number), draw) for number in numbers]
        with sessions.begin() as session:
            session.execute(insert(Job), rows)
            session.execute(insert(JobTag), [row for job in rows for row in _build_tags(job["id"], job["name"])])
            session.execute(insert(JobMetric), [row for job in rows for row in _build_metrics(job["id"], draw)])
    with sessions.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    sessions.dispose()


def _build_changes(number: int, created_at: datetime, draw: random.Random) -> dict[str, Any]:
    milliseconds = int(created_at.timestamp() * 1000)
    job_id = UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | draw.getrandbits(62))
    started_at = created_at + timedelta(seconds=draw.random() * 60)
    return {
        "id": job_id,
        "name": f"run {number}",
        "state": draw.choice(_STATES),
        "dataset_name": draw.choice(("builtin:iris", "builtin:digits", "sales", "wine")),
        "created_at": created_at,
        "started_at": started_at,
        "finished_at": started_at + timedelta(seconds=draw.random() * 3600),
        "metric_names": list(METRICS),
    }


def _build_tags(job_id: UUID, name: str) -> list[dict[str, Any]]:
    number = int(name.rpartition(" ")[2])
    return [{"job_id": job_id, "tag": tag} for tag in (f"sweep-{number // 1000}", "nightly")]


def _build_metrics(job_id: UUID, draw: random.Random) -> list[dict[str, Any]]:
    values = {name: draw.random() for name in METRICS}
    return [
        {"job_id": job_id, "name": name, "best": value, "last": value + 0.1, "best_epoch": 3}
        for name, value in values.items()
    ]
