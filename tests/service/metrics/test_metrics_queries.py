"""The queries behind the metrics, on both databases."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from models import Job, JobState, SweepState, Transition
from service.db.database import get_current_time
from service.jobs import job_read_model
from service.jobs.queue_order.fair_order import FairOrder, WaitingOwner
from service.jobs.wait_reasons import WaitCode
from service.metrics.progress import ProgressReader
from service.metrics.snapshot import load_snapshot, split_by_wait_code
from service.queue.wake_ups import QueueName
from service.queue.worker_registry import WorkerState
from tests.attempt_factories import claim_job, conclude_attempt, record_epochs
from tests.factories import build_registration, record_heartbeat, submit_job
from tests.service.team.team_factories import add_user, submit_jobs


@pytest.fixture
def reader(either_sessions):
    with either_sessions.read() as session:
        return ProgressReader(get_current_time(session) - timedelta(minutes=1))


def read(sessions, reader):
    with sessions.read() as session:
        return reader.read(session)


def test_a_snapshot_counts_everything(either_sessions):
    record_heartbeat(either_sessions, build_registration(concurrency=1))
    for _ in range(3):
        submit_job(either_sessions)
    claim_job(either_sessions)
    with either_sessions.read() as session:
        snapshot = load_snapshot(session)
    assert {state: count for state, count in snapshot.jobs.items() if count} == {
        JobState.QUEUED: 2,
        JobState.RUNNING: 1,
    }
    assert snapshot.sweeps == dict.fromkeys(SweepState, 0)
    assert snapshot.workers[QueueName.CPU, WorkerState.SERVING] == 1
    cpu = snapshot.queues[QueueName.CPU]
    assert (cpu.running, cpu.slots, cpu.waiting[WaitCode.NEXT], cpu.waiting[WaitCode.BEHIND]) == (1, 1, 1, 1)
    assert 0 < cpu.oldest_wait_s < 60


def test_progress_counts_each_event_once(either_sessions, reader):
    submit_job(either_sessions)
    claim = claim_job(either_sessions)
    record_epochs(either_sessions, claim, range(2))
    first = read(either_sessions, reader)
    assert (first.submitted, first.epochs["cpu"], len(first.claim_waits)) == (1, 2, 1)
    record_epochs(either_sessions, claim, [2])
    conclude_attempt(either_sessions, claim)
    second = read(either_sessions, reader)
    assert (second.submitted, second.epochs["cpu"], dict(second.ended)) == (0, 1, {"succeeded": 1})
    assert 0 < first.training_s["cpu"] + second.training_s["cpu"] < 60
    assert read(either_sessions, reader).ended == {}


def test_a_backlog_is_read_in_parts(either_sessions):
    """A request that cancels many jobs records transitions of the same time."""
    jobs = [submit_job(either_sessions).id for _ in range(3)]
    with either_sessions.begin() as session:
        current_time = get_current_time(session)
        reader = ProgressReader(current_time - timedelta(minutes=1), page_size=2)
        row = {"from_state": "paused", "to_state": "cancelled", "attempt": 0, "at": current_time}
        keys = [{"job_id": job_id, "number": number} for job_id in jobs for number in range(2, 6)]
        session.execute(insert(Transition), [row | key for key in keys])
    parts = [read(either_sessions, reader) for _ in range(4)]
    assert [part.ended["cancelled"] for part in parts] == [5, 7, 0, 0]
    assert [part.submitted for part in parts] == [3, 0, 0, 0]


@pytest.mark.parametrize(
    ("waiting", "slots", "running", "expected"),
    [
        (0, 2, 0, (0, 0, 0, 0)),
        (3, 0, 0, (3, 0, 0, 0)),
        (3, 2, 0, (0, 2, 0, 1)),
        (3, 2, 2, (0, 0, 1, 2)),
        (3, 1, 4, (0, 0, 1, 2)),
        (1, 4, 1, (0, 1, 0, 0)),
    ],
)
def test_reasons_of_waiting_jobs(waiting, slots, running, expected):
    counts = split_by_wait_code(FairOrder([WaitingOwner(None, waiting)]), slots=slots, running=running)
    codes = (WaitCode.NO_WORKER, WaitCode.STARTING, WaitCode.NEXT, WaitCode.BEHIND)
    assert tuple(counts[code] for code in codes) == expected


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_the_counts_are_those_of_the_reasons_of_the_jobs(either_sessions, slots):
    record_heartbeat(either_sessions, build_registration(concurrency=slots))
    users = {"ann": {}, "ben": {"shares": 3.0}, "eve": {"max_running": 0}}
    for name, values in users.items():
        submit_jobs(either_sessions, add_user(either_sessions, name, **values), 3)
    submit_job(either_sessions)
    claim_job(either_sessions)
    with either_sessions.read() as session:
        jobs = session.scalars(select(Job).where(Job.state == JobState.QUEUED)).all()
        reasons = Counter(details.waiting.code for details in job_read_model.load_job_details(session, jobs))
        counted = load_snapshot(session).queues[QueueName.CPU].waiting
    assert {code: count for code, count in counted.items() if count} == reasons
    assert reasons[WaitCode.LIMIT] == 3
