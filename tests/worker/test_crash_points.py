"""A worker that dies between any two lines that write: before and after each sync, rename and commit of an attempt."""

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from models import Artifact, Checkpoint, Job, JobState, Transition
from service.db.database import now
from service.history import metric_history
from service.jobs import attempts, jobs
from service.jobs.attempts import Conclusion, MadeArtifact
from service.storage.artifact_store import ArtifactStore
from tests import runs
from tests.factories import submit
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import Reporter
from worker.engine import Snapshot
from worker.runtime.shutdown_signal import Notice

EPOCHS = 4


class Killed(BaseException):
    """The process is gone; nothing that would handle an exception runs on."""


class Fate:
    """Kills at the n-th of the moments that it is told of."""

    def __init__(self, number):
        self.left = number
        self.struck_at = None

    def around(self, name, call):
        def called(*args, **kwargs):
            self._moment(f"before {name}")
            result = call(*args, **kwargs)
            self._moment(f"after {name}")
            return result

        return called

    def _moment(self, name):
        self.left -= 1
        if self.left == 0:
            self.struck_at = name
            raise Killed


@pytest.fixture
def slow(settings):
    """The reporter's own thread writes nothing: what happens is the training thread's doing."""
    return settings.model_copy(update={"flush_s": 3600.0, "lease_s": 3600.0})


@pytest.fixture
def attempt(sessions, slow, monkeypatch):
    """Makes an attempt at the one job, as `worker.attempt.job_runner` does, which ends at the n-th moment or at the job's end."""
    store = ArtifactStore(slow.data_dir)

    def attempt(number):
        fate = Fate(number)
        dialect = sessions.engine.dialect
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fate.around("fsync", os.fsync))
            patch.setattr(Path, "replace", fate.around("rename", Path.replace))
            patch.setattr(dialect, "do_commit", fate.around("commit", dialect.do_commit))
            try:
                _run(sessions, slow, store)
            except Killed:
                return fate.struck_at
        return None

    return attempt


def _run(sessions, settings, store):
    with sessions.begin() as session:
        claim = attempts.claim(session, queue="cpu", worker="here:1", lease_s=settings.lease_s)
    with Reporter(sessions, claim, settings, since=time.monotonic(), store=store, notice=Notice()) as reporter:
        done, weights = 0, np.zeros(3)
        if claim.checkpoint is not None:
            start = checkpoint_file.read(store.path(claim.checkpoint.sha256), job_id=claim.job_id)
            done, weights = start.epoch, start.state["weights"]
        reporter.begin()
        for epoch in range(done, EPOCHS):
            weights = weights * 0.5 + epoch
            reporter.epoch(epoch, {"loss": float(weights.sum())})
            if epoch % 2:
                reporter.checkpoint(Snapshot(epoch + 1, 0, {"weights": weights}, {}, stopped=False))
        with store.receive() as incoming:
            incoming.write(weights.tobytes())
            model = MadeArtifact("model", "application/octet-stream", store.keep(incoming))
        reporter.conclude(Conclusion(JobState.SUCCEEDED, artifacts=[model]))


def _expire(sessions):
    with sessions.begin() as session:
        for job in session.query(Job).where(Job.state == JobState.RUNNING):
            job.lease_until = now(session) - timedelta(seconds=1)
    runs.recover(sessions)


def test_wherever_it_dies_the_job_ends_once_with_every_epoch_once_and_the_same_weights(sessions, attempt, store):
    struck, outcomes = [], set()
    for number in range(1, 200):
        job = submit(sessions)
        at = attempt(number)
        struck.append(at)
        _expire(sessions)
        _is_whole(sessions, store, job)
        for _ in range(2):
            with sessions.read() as session:
                ended = jobs.get(session, job.id).state is JobState.SUCCEEDED
            if not ended:
                attempt(0)
        outcomes.add(_outcome(sessions, store, job))
        with sessions.begin() as session:
            jobs.remove(session, job.id)
        if at is None:
            break
    assert len(outcomes) == 1, outcomes
    assert struck[-1] is None, "the last one was not disturbed"
    assert {name for name in struck if name} == {
        f"{when} {what}" for when in ("before", "after") for what in ("fsync", "rename", "commit")
    }
    assert len(struck) > 25


def _is_whole(sessions, store, job):
    """What a checkpoint says is there is there."""
    with sessions.read() as session:
        kept = session.get(Checkpoint, job.id)
        told = metric_history.read(session, job.id)
    assert told.epochs == list(range(len(told.epochs)))
    if kept is not None:
        assert len(told.epochs) >= kept.epoch
        assert checkpoint_file.read(store.path(kept.sha256), job_id=job.id).epoch == kept.epoch


def _outcome(sessions, store, job):
    with sessions.read() as session:
        found = jobs.get(session, job.id)
        told = metric_history.read(session, job.id)
        ends = session.query(Transition).where(Transition.job_id == job.id, Transition.to_state == "succeeded").count()
        [model] = session.query(Artifact).where(Artifact.job_id == job.id)
    assert (found.state, ends, found.epochs_done) == (JobState.SUCCEEDED, 1, EPOCHS)
    assert told.epochs == list(range(EPOCHS))
    return tuple(told.metrics["loss"]), store.path(model.sha256).read_bytes()
