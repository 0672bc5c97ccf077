"""Event streams of jobs that have not ended, over real HTTP."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from stackyard.client import Client, ProblemError
from tests import attempt_factories
from tests.client.conftest import TOKEN
from tests.factories import iris_spec, submit_job
from tests.loads.streams import follow_and_poll
from tests.polling import wait_until


class Listener:
    """Collect the events of a job in a thread."""

    def __init__(self, url, job_id, **options):
        self.events = []
        self.thread = threading.Thread(target=self._listen, args=(url, job_id, options))
        self.thread.start()

    def _listen(self, url, job_id, options):
        with Client(url, TOKEN) as client:
            for event in client.events(job_id, **options):
                self.events.append(event)

    def list_states(self):
        return [event.transition.target for event in self.events if event.transition]

    def list_epochs(self):
        return [epoch for event in self.events if event.epochs for epoch in event.epochs.epochs]

    def wait_for_end(self):
        self.thread.join(30)
        assert not self.thread.is_alive()


def test_a_job_is_followed_to_its_end(url, stackyard, sessions):
    job = stackyard.submit(iris_spec())
    listeners = [Listener(url, job.id) for _ in range(3)]
    wait_until(lambda: all(listener.events for listener in listeners))
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(2))
    wait_until(lambda: all(listener.list_epochs() == [0, 1] for listener in listeners))
    late = Listener(url, job.id, after="2.1")
    attempt_factories.record_epochs(sessions, claimed, range(2, 4))
    attempt_factories.conclude_attempt(sessions, claimed)
    for listener in (*listeners, late):
        listener.wait_for_end()
    for listener in listeners:
        assert listener.list_states() == ["queued", "running", "succeeded"]
        assert listener.list_epochs() == [0, 1, 2, 3]
    assert (late.list_states(), late.list_epochs()) == (["succeeded"], [1, 2, 3])
    assert list(stackyard.events(job.id, after=listeners[0].events[-1].id)) == []


def test_a_listener_is_told_that_the_job_was_deleted(url, stackyard):
    job = stackyard.submit(iris_spec())
    listener = Listener(url, job.id)
    wait_until(lambda: listener.events)
    stackyard.delete(job.id)
    listener.wait_for_end()
    assert [event.kind for event in listener.events] == ["state", "deleted"]
    with pytest.raises(ProblemError):
        next(stackyard.events(job.id))


def test_many_streams_and_pollers_are_served(url, sessions):
    with Client(url, TOKEN) as client:
        job_ids = [client.submit(iris_spec()).id for _ in range(4)]
        claims = [attempt_factories.claim_job(sessions) for _ in job_ids]
        training = threading.Timer(0.5, _record_epochs, (sessions, claims))
        training.start()
        figures = follow_and_poll(url, job_ids, token=TOKEN, streams=40, pollers=8, seconds=30)
        training.join()
    assert (figures.errors, figures.streams_cut_off) == ([], 0)
    assert figures.streams_ended >= 40
    assert figures.epochs >= 40 * 5
    assert figures.epochs_missing == figures.epochs_doubled == 0
    assert figures.read_times


def _record_epochs(sessions, claims):
    for epoch in range(5):
        for claimed in claims:
            attempt_factories.record_epochs(sessions, claimed, [epoch])
    for claimed in claims:
        attempt_factories.conclude_attempt(sessions, claimed)


def test_a_stopping_server_ends_its_streams_and_clients_continue_on_the_next(settings, sessions):
    """uvicorn alone would wait for the streams forever."""
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with run_api(settings, listener):
            follower = Listener(url, str(job.id))
            wait_until(lambda: follower.events)
        attempt_factories.record_epochs(sessions, claimed, range(3))
        with run_api(settings, listener):
            wait_until(lambda: follower.list_epochs() == [0, 1, 2])
            attempt_factories.conclude_attempt(sessions, claimed)
            follower.wait_for_end()
    assert follower.list_states() == ["queued", "running", "succeeded"]


@contextmanager
def run_api(settings, listener):
    """Run an API on the socket, in a process of its own, and check that it ends in order."""
    environment = {
        "STACKYARD_DATA_DIR": str(settings.data_dir),
        "STACKYARD_DATABASE_URL": settings.resolved_database_url,
        "STACKYARD_BROKER_URL": settings.broker_url,
        "STACKYARD_TOKEN": TOKEN,
    }
    command = [sys.executable, "-m", "api", "--fd", str(listener.fileno())]
    with subprocess.Popen(command, env=os.environ | environment, pass_fds=[listener.fileno()]) as process:
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in {0, -signal.SIGTERM}
        finally:
            process.kill()
