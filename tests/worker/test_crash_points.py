"""A worker that is killed at any point of an attempt: before and after each sync, rename and commit."""

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from models import Artifact, Checkpoint, Job, JobState, Transition
from service.db.database import get_current_time
from service.errors import Conflict
from service.history import metric_history
from service.jobs import attempts, controls, queries
from service.jobs.attempts import Conclusion, StoredArtifact
from service.storage.artifact_store import ArtifactStore
from tests import attempt_factories
from tests.factories import submit_job
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import AttemptReporter
from worker.engine import Snapshot
from worker.runtime.shutdown_signal import ShutdownSignal

pytestmark = pytest.mark.exhaustive

EPOCHS = 4


class Killed(BaseException):
    """The process is gone: no handler of ordinary exceptions may run."""


class KillSwitch:
    """Kills the process at the n-th crash point."""

    def __init__(self, number):
        self.remaining = number
        self.killed_at = None

    def wrap(self, name, call):
        def wrapped(*args, **kwargs):
            self._pass_point(f"before {name}")
            result = call(*args, **kwargs)
            self._pass_point(f"after {name}")
            return result

        return wrapped

    def _pass_point(self, name):
        self.remaining -= 1
        if self.remaining == 0:
            self.killed_at = name
            raise Killed


@pytest.fixture
def slow_settings(settings):
    """Settings with which the reporter's own thread writes nothing, so that only the training thread does."""
    return settings.model_copy(update={"flush_s": 3600.0, "lease_s": 3600.0})


@pytest.fixture
def run_attempt(sessions, slow_settings, monkeypatch):
    """Run an attempt at the only job, as `worker.attempt.job_runner` does, and kill it at the n-th crash point.

    The function returns the name of that point, or None if the attempt ended before.
    """
    store = ArtifactStore(slow_settings.data_dir)

    def run_attempt(number):
        kill_switch = KillSwitch(number)
        dialect = sessions.engine.dialect
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", kill_switch.wrap("fsync", os.fsync))
            patch.setattr(Path, "replace", kill_switch.wrap("rename", Path.replace))
            patch.setattr(dialect, "do_commit", kill_switch.wrap("commit", dialect.do_commit))
            try:
                _train(sessions, slow_settings, store)
            except Killed:
                return kill_switch.killed_at
        return None

    return run_attempt


def _train(sessions, settings, store):
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=settings.lease_s)
    with AttemptReporter(
        sessions, claim, settings, lease_start=time.monotonic(), store=store, shutdown_signal=ShutdownSignal()
    ) as reporter:
        first_epoch, weights = 0, np.zeros(3)
        if claim.checkpoint is not None:
            start = checkpoint_file.read_checkpoint(store.path(claim.checkpoint.sha256), job_id=claim.job_id)
            first_epoch, weights = start.epoch, start.state["weights"]
        reporter.mark_started()
        for epoch in range(first_epoch, EPOCHS):
            if epoch and reporter.wants_finish(epoch):
                break
            weights = weights * 0.5 + epoch
            reporter.record_epoch(epoch, {"loss": float(weights.sum())})
            if epoch % 2:
                reporter.save_checkpoint(Snapshot(epoch + 1, 0, {"weights": weights}, {}, stopped=False))
        with store.receive_file() as incoming:
            incoming.write(weights.tobytes())
            model = StoredArtifact("model", "application/octet-stream", store.commit_file(incoming))
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED, artifacts=[model]))


def _recover_attempts(sessions):
    with sessions.begin() as session:
        for job in session.query(Job).where(Job.state == JobState.RUNNING):
            job.lease_until = get_current_time(session) - timedelta(seconds=1)
    attempt_factories.recover_lost_attempts(sessions)


def test_a_job_ends_once_with_every_epoch_and_the_same_weights_after_a_kill_at_any_point(sessions, run_attempt, store):
    killed_at, outcomes = [], set()
    for number in range(1, 200):
        job = submit_job(sessions)
        point = run_attempt(number)
        killed_at.append(point)
        _recover_attempts(sessions)
        _check_checkpoint(sessions, store, job)
        for _ in range(2):
            with sessions.read() as session:
                ended = queries.get_job(session, job.id).state is JobState.SUCCEEDED
            if not ended:
                run_attempt(0)
        outcomes.add(_load_outcome(sessions, store, job))
        with sessions.begin() as session:
            controls.delete_job(session, job.id)
        if point is None:
            break
    assert len(outcomes) == 1, outcomes
    assert killed_at[-1] is None, "the last attempt passed all crash points"
    assert {name for name in killed_at if name} == {
        f"{when} {call}" for when in ("before", "after") for call in ("fsync", "rename", "commit")
    }
    assert len(killed_at) > 25


def test_a_job_that_is_finished_after_a_kill_at_any_point_keeps_the_epochs_that_it_had(sessions, run_attempt, store):
    finished_epochs = set()
    for number in range(1, 200):
        job = submit_job(sessions)
        if run_attempt(number) is None:
            break
        _recover_attempts(sessions)
        epochs = _finish_job(sessions, job)
        if epochs is not None:
            run_attempt(0)
            with sessions.read() as session:
                row = queries.get_job(session, job.id)
                [model] = session.query(Artifact).where(Artifact.job_id == job.id)
            assert (row.state, row.epochs_done) == (JobState.SUCCEEDED, epochs)
            weights = np.zeros(3)
            for epoch in range(epochs):
                weights = weights * 0.5 + epoch
            assert store.path(model.sha256).read_bytes() == weights.tobytes()
            finished_epochs.add(epochs)
        with sessions.begin() as session:
            controls.delete_job(session, job.id)
    assert {2, EPOCHS} <= finished_epochs


def _finish_job(sessions, job):
    """Finish a job that waits again; return the epochs that it had, or None if it has not trained or has ended."""
    try:
        with sessions.begin() as session:
            return controls.finish_job(session, job.id).finish_after_epochs
    except Conflict:
        return None


def _check_checkpoint(sessions, store, job):
    """Check that the checkpoint's file and all epochs before it exist."""
    with sessions.read() as session:
        checkpoint = session.get(Checkpoint, job.id)
        history = metric_history.load_history(session, job.id)
    assert history.epochs == list(range(len(history.epochs)))
    if checkpoint is not None:
        assert len(history.epochs) >= checkpoint.epoch
        assert checkpoint_file.read_checkpoint(store.path(checkpoint.sha256), job_id=job.id).epoch == checkpoint.epoch


def _load_outcome(sessions, store, job):
    with sessions.read() as session:
        row = queries.get_job(session, job.id)
        history = metric_history.load_history(session, job.id)
        end_count = (
            session.query(Transition).where(Transition.job_id == job.id, Transition.to_state == "succeeded").count()
        )
        [model] = session.query(Artifact).where(Artifact.job_id == job.id)
    assert (row.state, end_count, row.epochs_done) == (JobState.SUCCEEDED, 1, EPOCHS)
    assert history.epochs == list(range(EPOCHS))
    return tuple(history.metrics["loss"]), store.path(model.sha256).read_bytes()
