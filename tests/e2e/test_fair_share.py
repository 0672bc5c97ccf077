"""Two users of a real server with real workers: many jobs of one do not block the few of the other."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import select

from models import Job, JobState, UsageRecord
from service.db.database import SessionFactory
from tests.factories import iris_spec
from tests.polling import wait_until
from tests.servers.local_server import TIMING
from tests.service.team.team_factories import add_user, get_user, submit_jobs

JOBS = {"first": 500, "second": 20}
WORKERS = 2
SPEC = iris_spec(training={"epochs": 400})


@pytest.fixture
def served_sessions(either_url, tmp_path) -> Iterator[SessionFactory]:
    """The database of a server with two workers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
    environment |= TIMING | {"STACKYARD_DATABASE_URL": either_url}
    command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--workers", str(WORKERS)]
    record = tmp_path / "served" / "serve.json"
    process = subprocess.Popen([*command, "--data-dir", str(record.parent)], env=environment)
    sessions = SessionFactory(either_url)
    try:
        server = wait_until(lambda: record.exists() and json.loads(record.read_text())["ready"] and record, within=120)
        httpx2.get(f"{json.loads(server.read_text())['url']}/healthz").raise_for_status()
        yield sessions
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        sessions.dispose()


@pytest.mark.exhaustive
def test_twenty_jobs_wait_as_fair_share_promises_behind_five_hundred(served_sessions, capsys):
    users = {name: add_user(served_sessions, name) for name in JOBS}
    submit_jobs(served_sessions, users["first"], JOBS["first"], training=SPEC["training"])
    wait_until(lambda: _count_started(served_sessions, users["first"]) >= 3 * WORKERS, within=300)
    ahead = _count_started(served_sessions, users["first"])
    submit_jobs(served_sessions, users["second"], JOBS["second"], training=SPEC["training"])
    wait_until(lambda: _count_started(served_sessions, users["second"]) == JOBS["second"], within=500)
    between = _count_started(served_sessions, users["first"]) - ahead
    jobs = _load_jobs(served_sessions)
    first_job = min(job.started_at for job in jobs if job.owner_id == users["second"])
    last_job = max(job.started_at for job in jobs if job.owner_id == users["second"])
    with capsys.disabled():
        sys.stdout.write(f"\n{between} jobs of the first user started beside 20 of the second, ")
        sys.stdout.write(f"which took {(last_job - first_job).total_seconds():.0f} s\n")
    # The second user had used nothing, and so first catches up; from then on, each takes every second turn.
    assert between <= JOBS["second"] + WORKERS
    usages = [get_user(served_sessions, user).decayed_usage for user in users.values()]
    assert all(usage > 0 for usage in usages)
    _compare_with_records(served_sessions, users)


def _compare_with_records(sessions, users):
    """The records have the seconds of all attempts that have ended."""
    with sessions.read() as session:
        ended = [job for job in session.scalars(select(Job)) if job.state is JobState.SUCCEEDED]
        for user in users.values():
            seconds = sum((job.finished_at - job.started_at).total_seconds() for job in ended if job.owner_id == user)
            records = session.scalars(select(UsageRecord).where(UsageRecord.user_id == user)).all()
            assert sum(record.jobs for record in records) == sum(job.owner_id == user for job in ended)
            assert sum(record.device_seconds for record in records) == pytest.approx(seconds, rel=0.05, abs=1.0)


def _count_started(sessions, user_id):
    return sum(job.owner_id == user_id and job.attempt > 0 for job in _load_jobs(sessions))


def _load_jobs(sessions):
    with sessions.read() as session:
        columns = (Job.id, Job.owner_id, Job.attempt, Job.started_at)
        return session.execute(select(*columns)).all()
