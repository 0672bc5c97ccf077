"""Concurrent submits share one transaction, and each has its own job or its own error."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select

from models import Job, JobTag, Transition
from service.datasets import catalog
from service.errors import Conflict, InvalidInput, NotFound
from service.jobs import validation
from service.jobs.submission import JobSubmitter
from service.queue.queue_notifier import QueueNotifier
from stackyard.spec import Limits, SpecError
from tests import factories
from tests.polling import wait_until


class SubmitGate:
    """A submitter whose submits form one batch: none is executed until all of them have arrived."""

    def __init__(self, sessions):
        self.wake_ups = []
        self.notifier = QueueNotifier(self.wake_ups.append)
        self.submitter = JobSubmitter(sessions, Limits(), self.notifier)

    def submit_all(self, *requests):
        """Return the outcome of each (spec, key): the details of a job, or an exception."""
        executor = self.submitter._batch_executor
        with ThreadPoolExecutor(len(requests)) as pool:
            with executor._execution_lock:
                futures = []
                for number, (spec, key) in enumerate(requests, 1):
                    futures.append(pool.submit(self.submitter.submit, json.dumps(spec).encode(), key))
                    wait_until(lambda number=number: len(executor._pending) == number or futures[-1].done())
            return [future.exception(60) or future.result() for future in futures]


@pytest.fixture
def gate(either_sessions):
    with either_sessions.begin() as session:
        catalog.ensure_builtins(session)
    gate = SubmitGate(either_sessions)
    yield gate
    gate.notifier.close()


@pytest.fixture
def commits(either_sessions):
    """A list with one entry for each transaction that commits during the test; reads are rolled back."""
    connections = []
    event.listen(either_sessions.engine, "commit", connections.append)
    return connections


def build_spec(**changes):
    return factories.iris_spec(**changes)


def count_rows(sessions, table):
    with sessions.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_concurrent_submits_share_one_transaction(gate, either_sessions, commits):
    commits.clear()
    details = gate.submit_all(*[(build_spec(tags=["a", f"t{number}"]), None) for number in range(8)])
    assert len(commits) == 1
    assert len({job.job.id for job in details}) == 8
    assert [job.queue_position for job in details] == list(range(8))
    assert [sorted(job.tags) for job in details] == [["a", f"t{number}"] for number in range(8)]
    assert [count_rows(either_sessions, table) for table in (Job, JobTag, Transition)] == [8, 16, 8]


def test_a_refused_submit_does_not_affect_the_others(gate, either_sessions):
    wrong = build_spec(network={"layers": [{"type": "Dense", "units": 2, "activation": "softmax"}]})
    no_dataset = build_spec(data=build_spec()["data"] | {"dataset": "nowhere"})
    [earlier] = gate.submit_all((build_spec(), "used"))
    outcomes = gate.submit_all(
        (build_spec(), None),
        (wrong, None),
        (no_dataset, None),
        (build_spec(name="other"), "used"),
        (build_spec(), "used"),
        (build_spec(), None),
    )
    assert [type(outcome) for outcome in outcomes[1:4]] == [SpecError, InvalidInput, Conflict]
    assert outcomes[4].job.id == earlier.job.id
    job_ids = {details.job.id for details in (earlier, outcomes[0], outcomes[5])}
    assert len(job_ids) == count_rows(either_sessions, Job) == 3


def test_concurrent_requests_with_one_key_create_one_job(gate, either_sessions):
    outcomes = gate.submit_all(*[(build_spec(), "once")] * 4, (build_spec(), None), (build_spec(name="other"), "once"))
    assert len({details.job.id for details in outcomes[:5]}) == 2
    assert isinstance(outcomes[5], Conflict)
    assert count_rows(either_sessions, Job) == 2


def test_a_dataset_that_is_deleted_meanwhile_fails_only_its_own_jobs(gate, either_sessions, monkeypatch):
    find, deleted_ids = catalog.find_dataset, set()

    def find_and_delete(session, ref):
        dataset = find(session, ref)
        if ref == "builtin:wine":
            missing_id = factories.build_registration().id
            dataset = type(dataset)(id=missing_id, name="wine", version=1, description=dataset.description)
            deleted_ids.add(missing_id)
        return dataset

    monkeypatch.setattr(catalog, find.__name__, find_and_delete)
    wine = {"dataset": "builtin:wine", "target": {"column": "target"}}
    first, failed, last = gate.submit_all((build_spec(), None), (build_spec(data=wine), None), (build_spec(), None))
    assert first.job.id != last.job.id
    assert isinstance(failed, NotFound)
    assert str(*deleted_ids) in str(failed)
    assert count_rows(either_sessions, Job) == 2


def test_a_commit_that_fails_fails_the_whole_batch_and_writes_nothing(gate, either_sessions):
    attempted_commits = []

    def fail(connection):
        attempted_commits.append(connection)
        raise ConnectionError("in the middle of it")

    event.listen(either_sessions.engine, "commit", fail)
    try:
        outcomes = gate.submit_all((build_spec(), None), (build_spec(), "key"))
    finally:
        event.remove(either_sessions.engine, "commit", fail)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert (count_rows(either_sessions, Job), gate.wake_ups) == (0, [])
    assert len(attempted_commits) == 1  # its outcome is unknown, so the submitter must not try again by itself
    assert gate.submit_all((build_spec(), "key"))[0].job.state == "queued"


def test_an_unexpected_error_of_the_check_fails_only_its_own_submit(gate, monkeypatch):
    validate = validation.validate_spec

    def fail_one(spec, *arguments):
        if spec.name == "strange":
            raise ZeroDivisionError
        return validate(spec, *arguments)

    monkeypatch.setattr(validation, validate.__name__, fail_one)
    strange, plain = gate.submit_all((build_spec(name="strange"), None), (build_spec(), None))
    assert isinstance(strange, ZeroDivisionError)
    assert plain.job.name == "iris"


def test_one_wake_up_is_sent_for_each_job_that_can_start(gate, either_sessions):
    factories.record_heartbeat(either_sessions, factories.build_registration(concurrency=3))
    gate.submit_all(*[(build_spec(), None)] * 5)
    gate.notifier.close()
    assert gate.wake_ups == ["cpu"] * 3


def test_one_wake_up_is_sent_for_each_queue_if_no_job_can_start(gate):
    gate.submit_all(*[(build_spec(), None)] * 3, *[(build_spec(run={"device": "gpu"}), None)] * 3)
    gate.notifier.close()
    assert sorted(gate.wake_ups) == ["cpu", "gpu"]
