"""Submits that come at once share a transaction, and nothing else: each has its own job, or its own refusal."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select

from models import Job, JobTag, Transition
from service.datasets import catalog
from service.errors import Conflict, Invalid, NotFound
from service.jobs.submission import Intake
from service.queue.queue_notifier import Waker
from stackyard.spec import Limits, SpecError
from tests import factories
from tests.waiting import until


class Door:
    """An intake, all of whose submits wait for each other: the first holds the turn until the others are there."""

    def __init__(self, sessions):
        self.sessions = sessions
        self.woken = []
        self.waker = Waker(self.woken.append)
        self.intake = Intake(sessions, Limits(), self.waker)

    def submit(self, *asked):
        """What came of each (spec, key): a job's details or an exception."""
        together = self.intake._together
        with ThreadPoolExecutor(len(asked)) as pool:
            with together._turn:
                pending = []
                for number, (spec, key) in enumerate(asked, 1):
                    pending.append(pool.submit(self.intake.submit, json.dumps(spec).encode(), key))
                    until(lambda number=number: len(together._waiting) == number or pending[-1].done())
            return [one.exception(60) or one.result() for one in pending]


@pytest.fixture
def door(either_sessions):
    with either_sessions.begin() as session:
        catalog.ensure_builtins(session)
    made = Door(either_sessions)
    yield made
    made.waker.close()


@pytest.fixture
def commits(either_sessions):
    """A connection for each transaction that was committed since the test began; looks are rolled back."""
    counted = []
    event.listen(either_sessions.engine, "commit", counted.append)
    return counted


def spec(**changes):
    return factories.iris_spec(**changes)


def count(sessions, table):
    with sessions.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_many_are_one_transaction(door, either_sessions, commits):
    commits.clear()
    told = door.submit(*[(spec(tags=["a", f"t{number}"]), None) for number in range(8)])
    assert len(commits) == 1
    assert len({one.job.id for one in told}) == 8
    assert [one.queue_position for one in told] == list(range(8))
    assert [sorted(tag for tag in one.tags) for one in told] == [["a", f"t{number}"] for number in range(8)]
    assert [count(either_sessions, table) for table in (Job, JobTag, Transition)] == [8, 16, 8]


def test_each_refusal_is_its_own_and_the_others_are_queued(door, either_sessions):
    wrong = spec(network={"layers": [{"type": "Dense", "units": 2, "activation": "softmax"}]})
    nowhere = spec(data=spec()["data"] | {"dataset": "nowhere"})
    [before] = door.submit((spec(), "used"))
    told = door.submit(
        (spec(), None), (wrong, None), (nowhere, None), (spec(name="other"), "used"), (spec(), "used"), (spec(), None)
    )
    assert [type(one) for one in told[1:4]] == [SpecError, Invalid, Conflict]
    assert told[4].job.id == before.job.id
    assert len({one.job.id for one in (before, told[0], told[5])}) == count(either_sessions, Job) == 3


def test_a_key_makes_one_job_of_requests_that_come_at_once(door, either_sessions):
    told = door.submit(*[(spec(), "once")] * 4, (spec(), None), (spec(name="other"), "once"))
    assert len({one.job.id for one in told[:5]}) == 2
    assert isinstance(told[5], Conflict)
    assert count(either_sessions, Job) == 2


def test_a_dataset_that_goes_meanwhile_fails_those_alone_that_name_it(door, either_sessions, monkeypatch):
    find, gone = catalog.find, set()

    def find_and_lose(session, ref):
        found = find(session, ref)
        if ref == "builtin:wine":
            found = type(found)(id=factories.registration().id, name="wine", version=1, description=found.description)
            gone.add(found.id)
        return found

    monkeypatch.setattr(catalog, "find", find_and_lose)
    wine = {"dataset": "builtin:wine", "target": {"column": "target"}}
    first, lost, last = door.submit((spec(), None), (spec(data=wine), None), (spec(), None))
    assert first.job.id != last.job.id
    assert isinstance(lost, NotFound)
    assert str(*gone) in str(lost)
    assert count(either_sessions, Job) == 2


def test_a_commit_that_fails_fails_all_of_them_and_writes_none(door, either_sessions):
    tried = []

    def fail(connection):
        tried.append(connection)
        raise ConnectionError("in the middle of it")

    event.listen(either_sessions.engine, "commit", fail)
    try:
        told = door.submit((spec(), None), (spec(), "key"))
    finally:
        event.remove(either_sessions.engine, "commit", fail)
    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    assert (count(either_sessions, Job), door.woken) == (0, [])
    assert len(tried) == 1  # whether it took place is not known, so nobody tries again unasked
    assert door.submit((spec(), "key"))[0].job.state == "queued"


def test_a_fault_of_the_check_is_no_fault_of_the_others(door, monkeypatch):
    from service.jobs import jobs  # noqa: PLC0415

    examine = jobs.examine

    def stumble(read, *rest):
        if read.name == "strange":
            raise ZeroDivisionError
        return examine(read, *rest)

    monkeypatch.setattr(jobs, "examine", stumble)
    strange, plain = door.submit((spec(name="strange"), None), (spec(), None))
    assert isinstance(strange, ZeroDivisionError)
    assert plain.job.name == "iris"


def test_as_many_are_woken_as_can_start(door, either_sessions):
    factories.beat(either_sessions, factories.registration(concurrency=3))
    door.submit(*[(spec(), None)] * 5)
    door.waker.close()
    assert door.woken == ["cpu"] * 3


def test_where_nobody_can_start_one_is_woken_of_each_queue(door):
    door.submit(*[(spec(), None)] * 3, *[(spec(run={"device": "gpu"}), None)] * 3)
    door.waker.close()
    assert sorted(door.woken) == ["cpu", "gpu"]
