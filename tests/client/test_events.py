"""Streams of jobs that go on, over real HTTP."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from stackyard.client import Client, ProblemError
from tests import runs
from tests.client.conftest import TOKEN
from tests.factories import iris_spec, submit
from tests.loads.streams import load
from tests.waiting import until


class Listener:
    """Follows a job in a thread of its own."""

    def __init__(self, url, job_id, **options):
        self.heard = []
        self.thread = threading.Thread(target=self._listen, args=(url, job_id, options))
        self.thread.start()

    def _listen(self, url, job_id, options):
        with Client(url, TOKEN) as client:
            for event in client.events(job_id, **options):
                self.heard.append(event)

    def states(self):
        return [event.transition.target for event in self.heard if event.transition]

    def epochs(self):
        return [epoch for event in self.heard if event.epochs for epoch in event.epochs.epochs]

    def end(self):
        self.thread.join(30)
        assert not self.thread.is_alive()


def test_a_job_is_followed_to_its_end(url, stackyard, sessions):
    job = stackyard.submit(iris_spec())
    listeners = [Listener(url, job.id) for _ in range(3)]
    until(lambda: all(listener.heard for listener in listeners))
    claimed = runs.claim(sessions)
    runs.record(sessions, claimed, range(2))
    until(lambda: all(listener.epochs() == [0, 1] for listener in listeners))
    late = Listener(url, job.id, after="2.1")
    runs.record(sessions, claimed, range(2, 4))
    runs.conclude(sessions, claimed)
    for listener in (*listeners, late):
        listener.end()
    for listener in listeners:
        assert listener.states() == ["queued", "running", "succeeded"]
        assert listener.epochs() == [0, 1, 2, 3]
    assert (late.states(), late.epochs()) == (["succeeded"], [1, 2, 3])
    assert list(stackyard.events(job.id, after=listeners[0].heard[-1].id)) == []


def test_whoever_follows_a_job_that_is_deleted_hears_of_it(url, stackyard):
    job = stackyard.submit(iris_spec())
    listener = Listener(url, job.id)
    until(lambda: listener.heard)
    stackyard.delete(job.id)
    listener.end()
    assert [event.kind for event in listener.heard] == ["state", "deleted"]
    with pytest.raises(ProblemError):
        next(stackyard.events(job.id))


def test_many_streams_and_pollers_are_served(url, sessions):
    with Client(url, TOKEN) as client:
        followed = [client.submit(iris_spec()).id for _ in range(4)]
        claims = [runs.claim(sessions) for _ in followed]
        training = threading.Timer(0.5, _train, (sessions, claims))
        training.start()
        figures = load(url, followed, token=TOKEN, streams=40, pollers=8, seconds=30)
        training.join()
    assert (figures.errors, figures.streams_cut_off) == ([], 0)
    assert figures.streams_ended >= 40
    assert figures.epochs >= 40 * 5
    assert figures.epochs_missing == figures.epochs_doubled == 0
    assert figures.read_times


def _train(sessions, claims):
    for epoch in range(5):
        for claimed in claims:
            runs.record(sessions, claimed, [epoch])
    for claimed in claims:
        runs.conclude(sessions, claimed)


def test_a_server_that_ends_does_not_wait_for_its_streams_and_the_next_one_goes_on(settings, sessions):
    """uvicorn by itself would wait for ever."""
    job = submit(sessions)
    claimed = runs.claim(sessions)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with serving(settings, listener):
            following = Listener(url, str(job.id))
            until(lambda: following.heard)
        runs.record(sessions, claimed, range(3))
        with serving(settings, listener):
            until(lambda: following.epochs() == [0, 1, 2])
            runs.conclude(sessions, claimed)
            following.end()
    assert following.states() == ["queued", "running", "succeeded"]


@contextmanager
def serving(settings, listener):
    """An API on the socket, in a process of its own, which has ended in order when this is left."""
    environment = {
        "STACKYARD_DATA_DIR": str(settings.data_dir),
        "STACKYARD_DATABASE_URL": settings.database,
        "STACKYARD_BROKER_URL": settings.broker_url,
        "STACKYARD_TOKEN": TOKEN,
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.app:create_app", "--fd", str(listener.fileno())]
    with subprocess.Popen(command, env=os.environ | environment, pass_fds=[listener.fileno()]) as process:
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in {0, -signal.SIGTERM}
        finally:
            process.kill()
