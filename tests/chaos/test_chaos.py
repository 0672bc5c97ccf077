"""A short chaos run, and the judge recognizes every kind of fault. `make chaos` runs more scenarios, and longer."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import h5py
import numpy as np
import pytest
from sqlalchemy import delete, event, select, update

from models import Artifact, Epoch, Job, JobState, Transition
from service.db.database import SessionFactory
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochMetrics, MetricSummary, StoredArtifact
from service.storage.artifact_store import ArtifactStore
from tests import factories
from tests.chaos import audit, report
from tests.chaos.scenarios import kills
from tests.chaos.verdict import DUPLICATED, FINISHED, LOST, UNEXPECTED, Verdict, judge_jobs, read_outcome

SEED = 30
"""A seed with which a child, a worker and the API are killed."""
_BEST = {"loss": MetricSummary(0.25, 0.25, 1)}


@pytest.mark.exhaustive
@pytest.mark.xdist_group("chaos")
def test_no_job_is_lost_or_done_twice_when_processes_are_killed(capsys, tmp_path):
    with capsys.disabled():
        result = kills.run("sqlite", seed=SEED, trials=3, jobs=1, say=print, kinds=("callbacks",), workers=1, ahead=2)
    assert not result.fault_count, (result.broken, result.verdict.faults)
    assert result.trial_count == 3
    assert set(result.verdict.jobs) == {FINISHED}
    assert set(result.verdict.epochs) == {"once"}
    report.write_results([result], tmp_path / "run.json")
    written = json.loads((tmp_path / "run.json").read_text())["results"][0]
    assert (written["seed"], written["bad"], set(written["verdict"]["jobs"])) == (SEED, 0, {FINISHED})


@dataclass
class StoppedInstallation:
    """An installation without processes, whose jobs have ended. It serves as the judge's load, too."""

    sessions: SessionFactory
    directory: Path
    accepted: dict[UUID, str] = field(default_factory=dict)
    uploaded: dict[UUID, str] = field(default_factory=dict)
    owner_actions: None = None

    def judge_jobs(self, *references: UUID) -> Verdict:
        outcomes = {"iris": read_outcome(self, references[0])} if references else {}
        return judge_jobs(self, self, outcomes, {}, frozenset())

    def artifact_path(self, sha256: str) -> Path:
        return self.directory / "sha256" / sha256[:2] / sha256

    def execute_statement(self, statement) -> None:
        with self.sessions.begin() as session:
            session.execute(statement)

    def add_finished_job(self, weights: float = 1.0) -> UUID:
        """Add a job that was accepted and has succeeded; return its id."""
        job = factories.submit_job(self.sessions)
        with self.sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker=f"here:{os.getpid()}", lease_s=60)
            attempts.record_epochs(session, claim, ["loss"], [EpochMetrics(0, [0.5]), EpochMetrics(1, [0.25])], _BEST)
            model = StoredArtifact("model", "application/octet-stream", self._store_model(weights))
            attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[model]))
        self.accepted[job.id] = "iris"
        return job.id

    def _store_model(self, weights: float):
        weights_file = io.BytesIO()
        with h5py.File(weights_file, "w") as file:
            file["layers/dense/vars/0"] = np.full(3, weights, "float32")
        store = ArtifactStore(self.directory)
        with store.receive_file() as incoming:
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("metadata.json", str(uuid4()))  # differs with each save
                archive.writestr("model.weights.h5", weights_file.getvalue())
            incoming.write(file.getvalue())
            return store.commit_file(incoming)


@pytest.fixture
def stopped(either_sessions, tmp_path) -> Iterator[StoppedInstallation]:
    @event.listens_for(either_sessions.engine, "connect")
    def register_writer(connection, _record):
        if hasattr(connection, "create_function"):
            connection.create_function("chaos_writer", 0, os.getpid)

    either_sessions.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGAPPNAME", str(os.getpid()))
        audit.install_triggers(either_sessions)
        yield StoppedInstallation(either_sessions, tmp_path)


def test_jobs_with_the_reference_outcome_are_finished(stopped):
    verdict = stopped.judge_jobs(stopped.add_finished_job(), stopped.add_finished_job())
    assert (verdict.jobs, verdict.epochs, verdict.same_bits) == ({FINISHED: 2}, {"once": 4}, 2)
    assert not verdict.fault_count


def test_wrong_epochs_and_wrong_states_are_recognized(stopped):
    first = stopped.add_finished_job()
    for build_statement, counts in (
        (lambda job: delete(Epoch).where(Epoch.job_id == job, Epoch.epoch == 0), {"missing": 1}),
        (
            lambda job: update(Epoch).where(Epoch.job_id == job, Epoch.epoch == 1).values(values=[0.26]),
            {"other bits": 1},
        ),
    ):
        stopped.execute_statement(build_statement(stopped.add_finished_job()))
        verdict = stopped.judge_jobs(first)
        assert counts.items() <= verdict.epochs.items()
        assert verdict.fault_count
    for change, job_class in (
        ({"state": JobState.RUNNING}, LOST),
        ({"state": JobState.FAILED}, UNEXPECTED),
        ({"attempt": 2}, DUPLICATED),
    ):
        stopped.execute_statement(update(Job).where(Job.id == stopped.add_finished_job()).values(**change))
        assert stopped.judge_jobs(first).jobs[job_class] == 1


def test_other_weights_are_recognized(stopped):
    first = stopped.add_finished_job()
    stopped.add_finished_job(weights=np.nextafter(np.float32(1), np.float32(2)))
    assert stopped.judge_jobs(first).jobs == {FINISHED: 1, UNEXPECTED: 1}


def test_a_job_with_two_ends_and_a_job_that_was_not_accepted_are_recognized(stopped):
    first, second, unknown = (stopped.add_finished_job() for _ in range(3))
    del stopped.accepted[unknown]
    with stopped.sessions.begin() as session:
        last = session.scalars(select(Transition).where(Transition.job_id == second, Transition.number == 3)).one()
        session.add(
            Transition(job_id=second, number=4, from_state="running", to_state="failed", attempt=1, at=last.at)
        )
    assert stopped.judge_jobs(first).jobs == {FINISHED: 1, DUPLICATED: 2}


def test_a_write_by_a_process_that_does_not_hold_the_job_is_recognized(stopped):
    first = stopped.add_finished_job()
    assert not stopped.judge_jobs(first).stale_writes
    with stopped.sessions.begin() as session:
        session.execute(update(Job).values(worker="here:1"))
        session.add(Epoch(job_id=first, epoch=2, values=[0.1]))
    assert stopped.judge_jobs(first).stale_writes == 1


def test_a_missing_file_and_a_file_with_other_bytes_are_recognized(stopped):
    stopped.add_finished_job()
    with stopped.sessions.read() as session:
        path = stopped.artifact_path(session.scalars(select(Artifact.sha256)).one())
    content = path.read_bytes()
    path.write_bytes(content + b"!")
    assert stopped.judge_jobs().corrupt == 1
    path.unlink()
    assert stopped.judge_jobs().corrupt == 1


def test_a_missing_upload_that_was_accepted_is_recognized(stopped):
    stopped.uploaded[uuid4()] = hashlib.sha256(b"a,b\n").hexdigest()
    assert stopped.judge_jobs().corrupt == 1
