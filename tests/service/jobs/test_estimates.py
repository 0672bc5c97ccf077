"""When a job will start, from past runs of the same architecture, on both databases."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from models import Job
from service.db.database import now
from service.jobs import estimates, job_read_model, jobs
from service.jobs.estimates import PastRun
from stackyard.spec import parse
from tests import runs
from tests.factories import beat, iris_spec, registration, submit

MINUTE = 60
"""What a busy machine may need between two looks at the clock; estimates here are of hours."""


def key(dataset="builtin:iris", **changes):
    return estimates.architecture(parse(json.dumps(iris_spec(**changes)).encode()).model_dump(mode="json"), dataset)


def wider():
    spec = iris_spec()
    spec["network"]["layers"][1]["units"] = 9
    return {"network": spec["network"]}


def dropping(rate):
    spec = iris_spec()
    spec["network"]["layers"][2]["rate"] = rate
    return {"network": spec["network"]}


def split(seed):
    spec = iris_spec()
    spec["data"]["split"]["validation"]["seed"] = seed
    return {"data": spec["data"]}


def past_run(sessions, seconds, **changes):
    """A training that took so long."""
    submit(sessions, **changes)
    claimed = runs.claim(sessions)
    runs.conclude(sessions, claimed)
    with sessions.begin() as session:
        moment = now(session)
        values = {"started_at": moment - timedelta(seconds=seconds), "finished_at": moment}
        session.execute(update(Job).where(Job.id == claimed.job_id).values(values))


def starts(sessions, *found):
    """In how many seconds each of the jobs is expected to start."""
    with sessions.read() as session:
        moment = now(session)
        told = job_read_model.gather(session, [jobs.get(session, job.id) for job in found])
    return [one.estimated_start and (one.estimated_start - moment).total_seconds() for one in told]


@pytest.mark.parametrize(
    "changes",
    [{"training": {"seed": 7}}, split(7), {"training": {"epochs": 9}}, {"name": "b", "tags": ["c"]}, dropping(0.5)],
    ids=["seed", "the split's seed", "epochs", "name", "rate"],
)
def test_what_costs_no_time_is_of_no_account(changes):
    assert key(**changes) == key()


@pytest.mark.parametrize(
    "changes",
    [{"training": {"batch_size": 16}}, {"training": {"optimizer": "sgd"}}, wider(), {"dataset": "builtin:wine"}],
    ids=["batch size", "optimizer", "units", "dataset"],
)
def test_what_costs_time_makes_another_architecture(changes):
    assert key(**changes) != key()


def test_a_run_is_taken_for_as_long_as_those_with_about_as_many_epochs():
    short, long = [PastRun(3, 3.0)] * 5, [PastRun(1000, 10.0)] * 5
    assert estimates.duration(short + long, 3) == 3.0
    assert estimates.duration(short + long, 2000) == 20.0
    assert estimates.duration([], 3) is None


def test_without_a_past_run_or_a_worker_nobody_can_say_when_a_job_starts(either_sessions):
    jobs_that_wait = [submit(either_sessions) for _ in range(2)]
    assert starts(either_sessions, *jobs_that_wait) == [None, None]
    beat(either_sessions, registration())
    assert starts(either_sessions, *jobs_that_wait) == [None, None]


def test_jobs_start_when_those_before_them_have_ended(either_sessions):
    past_run(either_sessions, 30_000.0)
    beat(either_sessions, registration())
    first, second, longer, last, urgent = (
        submit(either_sessions, training={"epochs": epochs}, run={"priority": priority})
        for epochs, priority in ((3, 5), (3, 5), (6, 5), (3, 5), (1, 9))
    )
    expected = [10_000, 40_000, 70_000, 130_000, 0]
    assert starts(either_sessions, first, second, longer, last, urgent) == pytest.approx(expected, abs=MINUTE)


def test_every_place_takes_a_job_and_one_that_runs_gives_its_own_back(either_sessions):
    past_run(either_sessions, 30_000.0)
    beat(either_sessions, registration(concurrency=2))
    running, *waiting = (submit(either_sessions) for _ in range(4))
    assert runs.claim(either_sessions).job_id == running.id
    told, *expected = starts(either_sessions, running, *waiting)
    assert told is None
    assert expected == pytest.approx([0, 30_000, 30_000], abs=MINUTE)


def test_a_long_queue_goes_on_as_its_first_hundred_jobs(sessions, monkeypatch):
    monkeypatch.setattr(estimates, "_LOOKED_AT", 3)
    past_run(sessions, 30_000.0)
    beat(sessions, registration())
    queue = [submit(sessions) for _ in range(6)]
    assert starts(sessions, *queue) == pytest.approx([0, 30_000, 60_000, 90_000, 120_000, 150_000], abs=MINUTE)


def test_a_job_that_was_never_run_is_taken_for_a_usual_one(sessions):
    past_run(sessions, 30_000.0)
    beat(sessions, registration())
    submit(sessions, **wider())
    known, last = submit(sessions), submit(sessions)
    assert starts(sessions, known, last) == pytest.approx([30_000, 60_000], abs=MINUTE)


def test_a_job_says_what_runs_before_it(either_sessions):
    running, first, paused, last = (submit(either_sessions, name=name) for name in "abcd")
    runs.claim(either_sessions)
    with either_sessions.begin() as session:
        jobs.pause(session, paused.id)
    with either_sessions.read() as session:
        found = job_read_model.gather(session, [jobs.get(session, job.id) for job in (last, paused, running)])
    assert [None if one.before is None else [ahead.name for ahead in one.before] for one in found] == [
        ["a", "b"],
        None,
        None,
    ]
    assert [ahead.id for ahead in found[0].before] == [running.id, first.id]
