"""Long trials of databases: `python -m tests.faults.databases restarts --rounds 20`, `… writers --writes 50000`."""

import argparse
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy.engine import make_url

from migrations.upgrade import upgrade
from models import Epoch, JobState
from service import attempts, jobs
from service.attempts import Conclusion
from service.database import UNAVAILABLE, Sessions
from service.datasets import ensure_builtins
from service.settings import Settings
from tests.e2e.conftest import Server
from tests.factories import iris_spec, submit
from tests.faults.installation import Installation, installed
from tests.faults.outcome import Outcome, percentile

_EPOCHS = 400
_EPOCHS_A_JOB = 7
"""With the submit, the claim and the end, ten transactions."""


@dataclass
class Load:
    """Submits and looks, without a pause, until it is told to stop; keeps what was accepted and every answer."""

    http: httpx2.Client
    accepted: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)

    def submit(self, pause: float) -> None:
        """Submit a job until it is accepted, each with a key of its own, then the next."""
        while not self.stopping.wait(pause):
            headers = {"Idempotency-Key": uuid4().hex}
            spec = iris_spec(training={"epochs": _EPOCHS})
            while (
                answer := self._ask("POST", "/v1/jobs", json=spec, headers=headers)
            ).status_code != httpx2.codes.CREATED:
                if self.stopping.wait(0.05):
                    return
            self.accepted.append(answer.json()["id"])

    def look(self, path: str) -> None:
        """Ask for a page again and again."""
        while not self.stopping.wait(0.01):
            self._ask("GET", path)

    def _ask(self, method: str, path: str, **content: Any) -> httpx2.Response:
        answer = self.http.request(method, path, **content)
        retry = "with" if "retry-after" in answer.headers else "without"
        after = f" {retry} Retry-After" if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE else ""
        self.answers[f"{method} {answer.status_code}{after}"] += 1
        return answer


def restarts(on: Installation, *, rounds: int, seed: int, away_s: float = 2.0) -> Outcome:
    """Restart PostgreSQL, breaking off what runs or crashing, under submits, looks and a training.

    Every accepted job is to be done once, and no answer may be anything but right or 503 with Retry-After.
    """
    draw = random.Random(seed)  # noqa: S311 a trial that can be had again
    if on.postgres is None:
        raise TypeError("expected an installation on PostgreSQL")
    outcome, load = Outcome(), Load(on.api.http)
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(load.submit, 0.5), pool.submit(load.submit, 0.5)]
        asking += [pool.submit(load.look, path) for path in ("/v1/jobs", "/v1/workers", "/v1/jobs?state=running") * 2]
        try:
            for number in range(rounds):
                time.sleep(draw.uniform(1, 4))
                on.postgres.stop(draw.choice(["fast", "immediate"]))
                time.sleep(draw.uniform(0, away_s))
                on.postgres.start()
                outcome.trials += 1
                print(number, dict(load.answers), flush=True)  # noqa: T201
        finally:
            load.stopping.set()
        for asked in asking:
            asked.result()
    _judge(on.api, load, outcome)
    return outcome


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


def _judge(api: Server, load: Load, outcome: Outcome) -> None:
    """Hold every accepted job to its outcome, and every answer to what clients are promised."""
    for job_id in load.accepted:
        outcome.hold(api, job_id, _EPOCHS, within=600)
    promised = {"POST 201", "GET 200", "POST 503 with Retry-After", "GET 503 with Retry-After"}
    outcome.wrong += [f"{count} times {answer}" for answer, count in load.answers.items() if answer not in promised]
    listed = on_list(api)
    if listed != len(load.accepted):
        outcome.wrong.append(f"{listed} jobs are listed, and {len(load.accepted)} were accepted")
    outcome.figures["answers"] = dict(load.answers)


def on_list(api: Server) -> int:
    """How many jobs there are."""
    number, cursor = 0, None
    while True:
        page = api.http.get("/v1/jobs", params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()
        number += len(page["items"])
        if not (cursor := page["next"]):
            return number


def prepared(directory: Path) -> str:
    """The URL of a new SQLite database with its tables and the built-in datasets."""
    settings = Settings(data_dir=directory)
    upgrade(settings)
    sessions = Sessions(settings.database)
    with sessions.begin() as session:
        ensure_builtins(session)
    sessions.dispose()
    return settings.database


def main() -> None:
    """Run one of the trials, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("trial", choices=["restarts", "writers"])
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--writes", type=int, default=50_000)
    asked = options.parse_args()
    if asked.trial == "restarts":
        with installed("postgresql") as on:
            print(restarts(on, rounds=asked.rounds, seed=asked.seed))  # noqa: T201
        return
    with TemporaryDirectory(prefix="ft-") as directory:
        print(writers(prepared(Path(directory)), processes=asked.processes, writes=asked.writes))  # noqa: T201


if __name__ == "__main__":
    main()
