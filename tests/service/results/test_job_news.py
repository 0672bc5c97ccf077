"""News of all jobs since the last look, on both databases."""

import pytest
from sqlalchemy import event

from models import DEFAULT_PROJECT_ID
from service.history import change_log
from service.jobs import attempts, controls
from service.results.epoch_news import EpochNewsReader
from service.results.job_news import JobNews, JobNewsReader
from stackyard.spec import Limits, parse_job_changes
from tests import attempt_factories
from tests.factories import submit_job


@pytest.fixture
def read_news(either_sessions):
    """A function that returns the news since its last call: the states of changed jobs, and the deleted ones."""
    reader = JobNewsReader()

    def read():
        with either_sessions.read() as session:
            news = reader.read_news(session)
        assert not news.overflow
        changed = {details.job.id: details.job.state.value for details in news.changed}
        assert {deleted.project_id for deleted in news.deleted} <= {DEFAULT_PROJECT_ID}
        return changed, [deleted.id for deleted in news.deleted]

    assert read() == ({}, [])
    return read


def change(sessions, job_id, body):
    with sessions.begin() as session:
        controls.change_job(session, job_id, parse_job_changes(body, Limits()))


def test_each_change_is_news_once(either_sessions, read_news):
    job, other = submit_job(either_sessions), submit_job(either_sessions)
    assert read_news() == ({job.id: "queued", other.id: "queued"}, [])
    assert read_news() == ({}, [])
    claimed = attempt_factories.claim_job(either_sessions)
    assert read_news() == ({job.id: "running"}, [])
    attempt_factories.record_epochs(either_sessions, claimed, range(2))
    assert read_news() == ({job.id: "running"}, [])
    with either_sessions.begin() as session:
        controls.cancel_job(session, job.id)
    assert read_news() == ({job.id: "running"}, []), "the request to cancel shows"
    attempt_factories.conclude_attempt(either_sessions, claimed)
    assert read_news() == ({job.id: "succeeded"}, [])
    assert read_news() == ({}, [])


def test_changes_and_the_deletion_of_an_ended_job_are_news(either_sessions, read_news):
    job = submit_job(either_sessions)
    attempt_factories.conclude_attempt(either_sessions, attempt_factories.claim_job(either_sessions))
    read_news()
    for body in (b'{"name": "other"}', b'{"tags": ["best"]}', b'{"tags": []}'):
        change(either_sessions, job.id, body)
        assert read_news() == ({job.id: "succeeded"}, [])
    with either_sessions.begin() as session:
        controls.delete_job(session, job.id)
    assert read_news() == ({}, [job.id])
    assert read_news() == ({}, [])


def test_a_late_commit_is_news(either_sessions, read_news, request):
    """A transaction that set its time before a look, and commits after it. SQLite has no such: it has one writer."""
    if "sqlite" in request.node.name:
        pytest.skip("a writer of SQLite commits before the next one sets its time")
    job = submit_job(either_sessions)
    read_news()
    with either_sessions.begin() as late:
        controls.change_job(late, job.id, parse_job_changes(b'{"name": "late"}', Limits()))
        other = submit_job(either_sessions)
        assert read_news() == ({other.id: "queued"}, [])
    assert read_news() == ({job.id: "queued"}, [])


def test_old_changes_are_deleted(either_sessions):
    job = submit_job(either_sessions)
    change(either_sessions, job.id, b'{"name": "other"}')
    with either_sessions.begin() as session:
        change_log.delete_old_changes(session)
        [logged] = [item for item in change_log.load_changes(session, job.created_at, limit=9) if not item.number]
    assert logged.job_id == job.id


def test_many_changes_come_in_parts_and_too_many_are_an_overflow(sessions):
    reader = JobNewsReader(max_jobs=2, max_pending=4)

    def read():
        with sessions.read() as session:
            return reader.read_news(session)

    read()
    jobs = [submit_job(sessions).id for _ in range(3)]
    parts = [[details.job.id for details in read().changed] for _ in range(3)]
    assert [len(part) for part in parts] == [2, 1, 0]
    assert sorted(parts[0] + parts[1]) == sorted(jobs)
    for _ in range(5):
        submit_job(sessions)
    assert read().overflow
    assert read() == JobNews()


def test_a_quiet_look_takes_three_queries(either_sessions):
    for _ in range(5):
        submit_job(either_sessions)
    attempt_factories.claim_job(either_sessions)
    reader, statements = JobNewsReader(), []
    with either_sessions.read() as session:
        reader.read_news(session)
        event.listen(session.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        reader.read_news(session)
    assert len(statements) == 3


class EpochLog:
    """What a client knows of the epochs of a job from the news."""

    def __init__(self, sessions, job_id):
        self.sessions, self.job_id = sessions, job_id
        self.reader, self.epochs = EpochNewsReader(), []

    def read(self):
        with self.sessions.read() as session:
            for news in self.reader.read_news(session, [self.job_id], {self.job_id: None}):
                assert news.from_epoch <= len(self.epochs)
                self.epochs = [*self.epochs[: news.from_epoch], *news.history.epochs]
        return self.epochs


def test_new_epochs_are_news_and_another_attempt_replaces_them(either_sessions):
    job = submit_job(either_sessions)
    log = EpochLog(either_sessions, job.id)
    first = attempt_factories.claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, first, range(3))
    assert log.read() == [0, 1, 2]
    attempt_factories.record_epochs(either_sessions, first, range(3, 5))
    assert log.read() == [0, 1, 2, 3, 4]
    attempt_factories.lose_attempt(either_sessions, first)
    second = attempt_factories.claim_job(either_sessions)
    assert log.read() == []
    attempt_factories.record_epochs(either_sessions, second, range(2))
    assert log.read() == [0, 1]


def test_a_long_history_arrives_in_slices(sessions):
    job = submit_job(sessions)
    log = EpochLog(sessions, job.id)
    claimed = attempt_factories.claim_job(sessions)
    log.read()
    rows = [attempts.EpochMetrics(epoch, [0.5] * 20) for epoch in range(1000)]
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, [f"m{number}" for number in range(20)], rows, {})
    lengths = [len(log.read()) for _ in range(4)]
    assert lengths[0] < lengths[1] < lengths[2] == 1000
    assert log.epochs == list(range(1000))
