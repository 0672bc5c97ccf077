"""Estimates of when a job starts, from past runs of the same architecture, on both databases."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from models import Job
from service.db.database import get_current_time
from service.jobs import controls, estimates, job_read_model, queries
from service.jobs.estimates import PastRun
from stackyard.spec import parse_spec
from tests import attempt_factories
from tests.factories import build_registration, iris_spec, record_heartbeat, submit_job

MINUTE = 60
"""How far the clock may go on while a busy machine runs a test; the estimates here are hours."""


def compute_key(dataset="builtin:iris", **changes):
    return estimates.compute_architecture_key(
        parse_spec(json.dumps(iris_spec(**changes)).encode()).model_dump(mode="json"), dataset
    )


def build_wider_network():
    spec = iris_spec()
    spec["network"]["layers"][1]["units"] = 9
    return {"network": spec["network"]}


def build_network_with_dropout(rate):
    spec = iris_spec()
    spec["network"]["layers"][2]["rate"] = rate
    return {"network": spec["network"]}


def build_split(seed):
    spec = iris_spec()
    spec["data"]["split"]["validation"]["seed"] = seed
    return {"data": spec["data"]}


def add_past_run(sessions, seconds, **changes):
    """Run a job, and pretend that it took so many seconds."""
    submit_job(sessions, **changes)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.conclude_attempt(sessions, claimed)
    with sessions.begin() as session:
        current_time = get_current_time(session)
        values = {"started_at": current_time - timedelta(seconds=seconds), "finished_at": current_time}
        session.execute(update(Job).where(Job.id == claimed.job_id).values(values))


def estimate_start_delays(sessions, *waiting_jobs):
    """Return in how many seconds each of the jobs is expected to start."""
    with sessions.read() as session:
        current_time = get_current_time(session)
        details = job_read_model.load_job_details(session, [queries.get_job(session, job.id) for job in waiting_jobs])
    return [job.estimated_start and (job.estimated_start - current_time).total_seconds() for job in details]


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"seed": 7}},
        build_split(7),
        {"training": {"epochs": 9}},
        {"name": "b", "tags": ["c"]},
        build_network_with_dropout(0.5),
    ],
    ids=["seed", "the split's seed", "epochs", "name", "rate"],
)
def test_arguments_that_cost_no_time_do_not_change_the_architecture_key(changes):
    assert compute_key(**changes) == compute_key()


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"batch_size": 16}},
        {"training": {"optimizer": "sgd"}},
        build_wider_network(),
        {"dataset": "builtin:wine"},
    ],
    ids=["batch size", "optimizer", "units", "dataset"],
)
def test_arguments_that_cost_time_change_the_architecture_key(changes):
    assert compute_key(**changes) != compute_key()


def test_an_estimate_uses_the_past_runs_with_the_nearest_number_of_epochs():
    short, long = [PastRun(3, 3.0)] * 5, [PastRun(1000, 10.0)] * 5
    assert estimates.estimate_duration(short + long, 3) == 3.0
    assert estimates.estimate_duration(short + long, 2000) == 20.0
    assert estimates.estimate_duration([], 3) is None


def test_without_a_past_run_or_a_worker_there_is_no_estimated_start(either_sessions):
    waiting_jobs = [submit_job(either_sessions) for _ in range(2)]
    assert estimate_start_delays(either_sessions, *waiting_jobs) == [None, None]
    record_heartbeat(either_sessions, build_registration())
    assert estimate_start_delays(either_sessions, *waiting_jobs) == [None, None]


def test_each_job_starts_when_the_jobs_before_it_have_ended(either_sessions):
    add_past_run(either_sessions, 30_000.0)
    record_heartbeat(either_sessions, build_registration())
    first, second, longer, last, urgent = (
        submit_job(either_sessions, training={"epochs": epochs}, run={"priority": priority})
        for epochs, priority in ((3, 5), (3, 5), (6, 5), (3, 5), (1, 9))
    )
    expected = [10_000, 40_000, 70_000, 130_000, 0]
    assert estimate_start_delays(either_sessions, first, second, longer, last, urgent) == pytest.approx(
        expected, abs=MINUTE
    )


def test_every_slot_takes_a_job_and_a_running_job_frees_its_slot_at_its_end(either_sessions):
    add_past_run(either_sessions, 30_000.0)
    record_heartbeat(either_sessions, build_registration(concurrency=2))
    running, *waiting = (submit_job(either_sessions) for _ in range(4))
    assert attempt_factories.claim_job(either_sessions).job_id == running.id
    running_delay, *waiting_delays = estimate_start_delays(either_sessions, running, *waiting)
    assert running_delay is None
    assert waiting_delays == pytest.approx([0, 30_000, 30_000], abs=MINUTE)


def test_jobs_behind_the_examined_ones_are_extrapolated(sessions):
    add_past_run(sessions, 30_000.0)
    record_heartbeat(sessions, build_registration())
    for _ in range(6):
        submit_job(sessions)
    with sessions.read() as session:
        forecast = estimates.forecast_queue(session, "cpu", 1, 5, max_examined_jobs=3)
    assert len(forecast.head) == 3
    delays = [forecast.estimate_start_delay(position) for position in range(6)]
    assert delays == pytest.approx([0, 30_000, 60_000, 90_000, 120_000, 150_000], abs=MINUTE)


def test_a_job_without_past_runs_gets_the_mean_duration(sessions):
    add_past_run(sessions, 30_000.0)
    record_heartbeat(sessions, build_registration())
    submit_job(sessions, **build_wider_network())
    second, third = submit_job(sessions), submit_job(sessions)
    assert estimate_start_delays(sessions, second, third) == pytest.approx([30_000, 60_000], abs=MINUTE)


def test_a_waiting_job_names_the_jobs_before_it(either_sessions):
    running, first, paused, last = (submit_job(either_sessions, name=name) for name in "abcd")
    attempt_factories.claim_job(either_sessions)
    with either_sessions.begin() as session:
        controls.pause_job(session, paused.id)
    with either_sessions.read() as session:
        details = job_read_model.load_job_details(
            session, [queries.get_job(session, job.id) for job in (last, paused, running)]
        )
    assert [None if job.before is None else [preceding.name for preceding in job.before] for job in details] == [
        ["a", "b"],
        None,
        None,
    ]
    assert [preceding.id for preceding in details[0].before] == [running.id, first.id]
