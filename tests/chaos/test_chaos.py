"""A short run of the nemesis, and that its judge sees what it is there to see. `make chaos` does more, and longer."""

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
from service.db.database import Sessions
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochRow, MadeArtifact, MetricSummary
from service.storage.artifact_store import ArtifactStore
from tests import factories
from tests.chaos import audit, report, verdict
from tests.chaos.scenarios import kills
from tests.chaos.verdict import DUPLICATED, FINISHED, LOST, UNEXPECTED, Verdict

SEED = 30
"""By which a child, a worker and the API are killed."""
_BEST = {"loss": MetricSummary(0.25, 0.25, 1)}


@pytest.mark.xdist_group("chaos")
def test_whoever_is_killed_no_job_is_lost_or_done_twice(capsys, tmp_path):
    with capsys.disabled():
        result = kills.run("sqlite", seed=SEED, trials=3, jobs=1, say=print, kinds=("callbacks",), workers=1, ahead=2)
    assert not result.bad, (result.broken, result.verdict.faults)
    assert result.number == 3
    assert set(result.verdict.jobs) == {FINISHED}
    assert set(result.verdict.epochs) == {"once"}
    report.keep([result], tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text())["results"][0]
    assert (told["seed"], told["bad"], set(told["verdict"]["jobs"])) == (SEED, 0, {FINISHED})


@dataclass
class AtRest:
    """An installation whose jobs have ended, without the processes."""

    sessions: Sessions
    directory: Path
    accepted: dict[UUID, str] = field(default_factory=dict)
    uploaded: dict[UUID, str] = field(default_factory=dict)
    deeds: None = None

    def judge(self, *references: UUID) -> Verdict:
        ended = {"iris": verdict.reference(self, references[0])} if references else {}
        return verdict.judge(self, self, ended, {}, frozenset())

    def file(self, sha256: str) -> Path:
        return self.directory / "sha256" / sha256[:2] / sha256

    def write(self, statement) -> None:
        with self.sessions.begin() as session:
            session.execute(statement)

    def trained(self, weights: float = 1.0) -> UUID:
        """A job that was accepted, and went all its way."""
        job = factories.submit(self.sessions)
        with self.sessions.begin() as session:
            claim = attempts.claim(session, queue="cpu", worker=f"here:{os.getpid()}", lease_s=60)
            attempts.record_epochs(session, claim, ["loss"], [EpochRow(0, [0.5]), EpochRow(1, [0.25])], _BEST)
            model = MadeArtifact("model", "application/octet-stream", self._model(weights))
            attempts.conclude(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[model]))
        self.accepted[job.id] = "iris"
        return job.id

    def _model(self, weights: float):
        held = io.BytesIO()
        with h5py.File(held, "w") as file:
            file["layers/dense/vars/0"] = np.full(3, weights, "float32")
        store = ArtifactStore(self.directory)
        with store.receive() as incoming:
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("metadata.json", str(uuid4()))  # as the moment at which it was saved
                archive.writestr("model.weights.h5", held.getvalue())
            incoming.write(file.getvalue())
            return store.keep(incoming)


@pytest.fixture
def at_rest(either_sessions, tmp_path) -> Iterator[AtRest]:
    @event.listens_for(either_sessions.engine, "connect")
    def introduce(connection, _record):
        if hasattr(connection, "create_function"):
            connection.create_function("chaos_writer", 0, os.getpid)

    either_sessions.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGAPPNAME", str(os.getpid()))
        audit.install(either_sessions)
        yield AtRest(either_sessions, tmp_path)


def test_jobs_that_went_their_way_are_finished(at_rest):
    found = at_rest.judge(at_rest.trained(), at_rest.trained())
    assert (found.jobs, found.epochs, found.same_bits) == ({FINISHED: 2}, {"once": 4}, 2)
    assert not found.bad


def test_what_is_wrong_with_a_job_is_seen(at_rest):
    first = at_rest.trained()
    for statement, where in (
        (lambda job: delete(Epoch).where(Epoch.job_id == job, Epoch.epoch == 0), {"missing": 1}),
        (
            lambda job: update(Epoch).where(Epoch.job_id == job, Epoch.epoch == 1).values(values=[0.26]),
            {"other bits": 1},
        ),
    ):
        at_rest.write(statement(at_rest.trained()))
        found = at_rest.judge(first)
        assert where.items() <= found.epochs.items()
        assert found.bad
    for change, class_ in (
        ({"state": JobState.RUNNING}, LOST),
        ({"state": JobState.FAILED}, UNEXPECTED),
        ({"attempt": 2}, DUPLICATED),
    ):
        at_rest.write(update(Job).where(Job.id == at_rest.trained()).values(**change))
        assert at_rest.judge(first).jobs[class_] == 1


def test_other_weights_are_seen(at_rest):
    first = at_rest.trained()
    at_rest.trained(weights=np.nextafter(np.float32(1), np.float32(2)))
    assert at_rest.judge(first).jobs == {FINISHED: 1, UNEXPECTED: 1}


def test_a_life_with_two_ends_and_a_job_that_nobody_was_told_of_are_seen(at_rest):
    first, second, stray = (at_rest.trained() for _ in range(3))
    del at_rest.accepted[stray]
    with at_rest.sessions.begin() as session:
        last = session.scalars(select(Transition).where(Transition.job_id == second, Transition.number == 3)).one()
        session.add(
            Transition(job_id=second, number=4, from_state="running", to_state="failed", attempt=1, at=last.at)
        )
    assert at_rest.judge(first).jobs == {FINISHED: 1, DUPLICATED: 2}


def test_a_write_by_another_than_the_holder_is_seen(at_rest):
    first = at_rest.trained()
    assert not at_rest.judge(first).stale_writes
    with at_rest.sessions.begin() as session:
        session.execute(update(Job).values(worker="here:1"))
        session.add(Epoch(job_id=first, epoch=2, values=[0.1]))
    assert at_rest.judge(first).stale_writes == 1


def test_a_file_that_is_gone_or_has_other_bytes_is_seen(at_rest):
    at_rest.trained()
    with at_rest.sessions.read() as session:
        path = at_rest.file(session.scalars(select(Artifact.sha256)).one())
    kept = path.read_bytes()
    path.write_bytes(kept + b"!")
    assert at_rest.judge().corrupt == 1
    path.unlink()
    assert at_rest.judge().corrupt == 1


def test_an_upload_that_was_accepted_and_is_not_there_is_seen(at_rest):
    at_rest.uploaded[uuid4()] = hashlib.sha256(b"a,b\n").hexdigest()
    assert at_rest.judge().corrupt == 1
