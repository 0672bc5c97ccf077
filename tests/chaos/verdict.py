"""What became of every job that was accepted, told from the database and the files alone."""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models import TERMINAL_STATES, Artifact, Checkpoint, Dataset, Epoch, Job, Transition
from service.jobs.lifecycle import LEGAL
from tests.chaos import audit
from tests.chaos.deeds import CANCELLED
from tests.chaos.installation import Installation
from tests.chaos.load import Load
from tests.chaos.weights import digest

FINISHED, LOST, DUPLICATED, UNEXPECTED = "finished", "lost", "duplicated", "unexpected"
_SHOWN = 12


@dataclass(frozen=True)
class Ended:
    """How a training came out: its state, the bits of its epochs, its evaluation, its weights."""

    state: str
    epochs: tuple[bytes, ...]
    evaluation: str
    weights: str


@dataclass
class Verdict:
    """Counts of jobs by class and of epochs by how often they are there, and what was wrong in words."""

    jobs: Counter[str] = field(default_factory=Counter)
    epochs: Counter[str] = field(default_factory=Counter)
    same_bits: int = 0
    resumed: int = 0
    attempts: int = 0
    requeued: Counter[str] = field(default_factory=Counter)
    """Why attempts ended whose jobs then waited again, by the code of the reason."""
    stale_writes: int = 0
    corrupt: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How much went wrong; nothing may."""
        jobs = self.jobs[LOST] + self.jobs[DUPLICATED] + self.jobs[UNEXPECTED]
        epochs = self.epochs["missing"] + self.epochs["twice"] + self.epochs["other bits"]
        return jobs + epochs + self.stale_writes + self.corrupt

    def fault(self, job: object, what: str) -> None:
        """Say what was wrong with a job."""
        self.faults.append(f"{job}: {what}")


def reference(installation: Installation, job_id: UUID) -> Ended:
    """How an undisturbed job came out."""
    with installation.sessions.read() as session:
        job = session.get_one(Job, job_id)
        values = session.scalars(select(Epoch.values).where(Epoch.job_id == job_id).order_by(Epoch.epoch)).all()
    return Ended(job.state, tuple(_bits(row) for row in values), _evaluation(job), _weights(installation, job_id))


def judge(
    installation: Installation,
    load: Load,
    references: Mapping[str, Ended],
    expected: Mapping[UUID, frozenset[str]],
    excused: frozenset[str],
) -> Verdict:
    """Class every job.

    Args:
        installation: at rest by now.
        load: what it was told was done must be there.
        references: how each kind of job comes out.
        expected: for the jobs that may end in another way than undisturbed, a state and a reason's code for each way,
            as "failed crashed".
        excused: the same for all others.

    """
    verdict = Verdict()
    written = audit.writes(installation.sessions)
    stale = [write for write in written if write.stale]
    verdict.stale_writes = len(stale)
    verdict.faults += [f"stale: {write}" for write in stale[:_SHOWN]]
    verdict.resumed = len(audit.resumed(written) & load.accepted.keys())
    with installation.sessions.read() as session:
        jobs = {job.id: job for job in session.scalars(select(Job))}
        again = select(Transition.reason).where(Transition.from_state == "running", Transition.to_state == "queued")
        verdict.requeued.update(str((reason or {}).get("code")) for reason in session.scalars(again))
    for job_id in jobs.keys() - load.accepted.keys():
        verdict.jobs[DUPLICATED] += 1
        verdict.fault(job_id, "is there, and nobody was told so")
    for job_id, kind in load.accepted.items():
        job = jobs.get(job_id)
        verdict.attempts += 0 if job is None else job.attempt
        if load.deeds is not None and job_id in load.deeds.deleted:
            found = _removed(verdict, job_id, there=job is not None, told=load.deeds.deleted[job_id])
        else:
            ways = expected.get(job_id, excused) | _ways(load, job_id)
            found = _class(installation, verdict, job_id, job, references.get(kind), ways)
        verdict.jobs[found] += 1
    verdict.corrupt = len(corrupt := [*_corrupt(installation), *_missing_uploads(installation, load)])
    verdict.faults += corrupt[:_SHOWN]
    return verdict


def _ways(load: Load, job_id: UUID) -> frozenset[str]:
    return CANCELLED if load.deeds is not None and job_id in load.deeds.cancelled else frozenset()


def _removed(verdict: Verdict, job_id: UUID, *, there: bool, told: bool) -> str:
    if there and told:
        verdict.fault(job_id, "is there after its owner was told that it was deleted")
        return UNEXPECTED
    return FINISHED


def _class(
    installation: Installation,
    verdict: Verdict,
    job_id: UUID,
    job: Job | None,
    reference: Ended | None,
    expected: frozenset[str],
) -> str:
    if job is None or job.state not in TERMINAL_STATES:
        verdict.fault(job_id, "is not there" if job is None else f"still {job.state} after attempt {job.attempt}")
        return LOST
    with installation.sessions.read() as session:
        steps = session.scalars(
            select(Transition).where(Transition.job_id == job_id).order_by(Transition.number)
        ).all()
        rows = session.execute(select(Epoch.epoch, Epoch.values).where(Epoch.job_id == job_id)).all()
    if wrong := _wrong_life(job, steps):
        verdict.fault(job_id, wrong)
        return DUPLICATED
    if f"{job.state} {(job.reason or {}).get('code', '')}".strip() in expected:
        return FINISHED
    if reference is None or job.state != reference.state:
        verdict.fault(job_id, f"{job.name} ended {job.state} in attempt {job.attempt}: {job.reason}")
        return UNEXPECTED
    _count_epochs(verdict, job, rows, reference)
    return _compare(installation, verdict, job, reference)


def _compare(installation: Installation, verdict: Verdict, job: Job, reference: Ended) -> str:
    if _evaluation(job) != reference.evaluation:
        verdict.fault(job.id, f"{job.name}, attempt {job.attempt}: another evaluation than undisturbed")
        return UNEXPECTED
    if _weights(installation, job.id) != reference.weights:
        verdict.fault(job.id, f"{job.name}, attempt {job.attempt}: other weights than undisturbed")
        return UNEXPECTED
    verdict.same_bits += 1
    return FINISHED


def _wrong_life(job: Job, steps: Sequence[Transition]) -> str | None:
    """What no single life has: two ends, two beginnings of one attempt, a step that the table of lives lacks."""
    ends = [step for step in steps if step.to_state in TERMINAL_STATES]
    claims = [step.attempt for step in steps if step.to_state == "running"]
    told = " ".join(f"{step.to_state}({step.attempt})" for step in steps)
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        return f"its steps are not numbered one by one: {told}"
    if len(ends) != 1 or ends[0] is not steps[-1]:
        return f"has {len(ends)} ends: {told}"
    if claims != list(range(1, len(claims) + 1)) or job.attempt != len(claims):
        return f"its attempts are not one after the other: {told}"
    for before, after in pairwise(steps):
        if after.from_state != before.to_state or after.to_state not in {str(one) for one in LEGAL[before.to_state]}:  # type: ignore[index]
            return f"went from {before.to_state} to {after.to_state}: {told}"
    return None


def _count_epochs(verdict: Verdict, job: Job, rows: Iterable[Any], reference: Ended) -> None:
    times = Counter(row.epoch for row in rows)
    values = {row.epoch: _bits(row.values) for row in rows}
    for epoch, bits in enumerate(reference.epochs):
        if times[epoch] == 0:
            found = "missing"
        elif times[epoch] > 1:
            found = "twice"
        else:
            found = "once" if values[epoch] == bits else "other bits"
        verdict.epochs[found] += 1
        if found != "once" and len(verdict.faults) < _SHOWN:
            verdict.fault(job.id, f"{job.name}, attempt {job.attempt}: epoch {epoch} {found}")
    if too_many := times.keys() - set(range(len(reference.epochs))):
        verdict.epochs["twice"] += len(too_many)
        verdict.fault(job.id, f"{job.name}: epochs that are too many: {sorted(too_many)[:3]}")


def _evaluation(job: Job) -> str:
    return json.dumps(job.evaluation, sort_keys=True)


def _bits(values: Any) -> bytes:
    return bytes(memoryview(values).cast("B"))


def _weights(installation: Installation, job_id: UUID) -> str:
    """A digest of the published model, or a word where there is none to read."""
    query = select(Artifact.sha256).where(Artifact.job_id == job_id, Artifact.kind == "model")
    with installation.sessions.read() as session:
        sha256 = session.scalar(query)
    if sha256 is None:
        return "no model"
    try:
        return digest(installation.file(sha256))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        return f"not to be read: {error}"


def _missing_uploads(installation: Installation, load: Load) -> Iterable[str]:
    with installation.sessions.read() as session:
        there = {row.id: row.sha256 for row in session.execute(select(Dataset.id, Dataset.sha256))}
    for dataset_id, sha256 in load.uploaded.items():
        if there.get(dataset_id) != sha256:
            yield f"dataset {dataset_id} is {there.get(dataset_id)}, and {sha256} was accepted"


def _corrupt(installation: Installation) -> Iterable[str]:
    """Every file that a row names and that is not there, or is not what its name says."""
    with installation.sessions.read() as session:
        uploaded = select(Dataset.sha256).where(Dataset.name.not_like("builtin:%"))
        queries = (select(Artifact.sha256), select(Checkpoint.sha256), uploaded)
        named = {sha256 for query in queries for sha256 in session.scalars(query)}
    for sha256 in sorted(named):
        path = installation.file(sha256)
        if not path.exists():
            yield f"file {sha256} is not there"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"file {sha256} has other bytes"
