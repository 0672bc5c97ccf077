"""The verdict on every accepted job, from the database and the files alone."""

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
from service.jobs.lifecycle import LEGAL_TRANSITIONS
from tests.chaos import audit
from tests.chaos.installation import Installation
from tests.chaos.load import Load
from tests.chaos.model_digest import compute_model_digest
from tests.chaos.owner_actions import CANCELLED

FINISHED, LOST, DUPLICATED, UNEXPECTED = "finished", "lost", "duplicated", "unexpected"
_MAX_MESSAGES = 12


@dataclass(frozen=True)
class JobOutcome:
    """The outcome of a training: its state, the bits of its epochs, its evaluation, a digest of its weights."""

    state: str
    epochs: tuple[bytes, ...]
    evaluation: str
    weights: str


@dataclass
class Verdict:
    """Counts of jobs by class and of epochs by how often they exist, and the faults in words.

    The fields are keys of the results file.
    """

    jobs: Counter[str] = field(default_factory=Counter)
    epochs: Counter[str] = field(default_factory=Counter)
    same_bits: int = 0
    resumed: int = 0
    attempts: int = 0
    requeued: Counter[str] = field(default_factory=Counter)
    """The number of attempts that ended in a requeue of their job, by the reason's code."""
    stale_writes: int = 0
    corrupt: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def fault_count(self) -> int:
        """The number of faults; it must be zero."""
        jobs = self.jobs[LOST] + self.jobs[DUPLICATED] + self.jobs[UNEXPECTED]
        epochs = self.epochs["missing"] + self.epochs["twice"] + self.epochs["other bits"]
        return jobs + epochs + self.stale_writes + self.corrupt

    def add_fault(self, job: object, message: str) -> None:
        """Record what is wrong with a job."""
        self.faults.append(f"{job}: {message}")


def read_outcome(installation: Installation, job_id: UUID) -> JobOutcome:
    """Return the outcome of a job that ended."""
    with installation.sessions.read() as session:
        job = session.get_one(Job, job_id)
        values = session.scalars(select(Epoch.values).where(Epoch.job_id == job_id).order_by(Epoch.epoch)).all()
    epochs = tuple(_to_bytes(row) for row in values)
    return JobOutcome(job.state, epochs, _format_evaluation(job), _compute_weights_digest(installation, job_id))


def judge_jobs(
    installation: Installation,
    load: Load,
    references: Mapping[str, JobOutcome],
    expected: Mapping[UUID, frozenset[str]],
    excused: frozenset[str],
) -> Verdict:
    """Classify every job.

    Args:
        installation: the server, at rest.
        load: the jobs, uploads and actions that the server accepted.
        references: the outcome of each kind of job without a disturbance.
        expected: further allowed ends of single jobs, each as a state and a reason's code, such as "failed crashed".
        excused: further allowed ends of all other jobs.

    """
    verdict = Verdict()
    _judge_writes(installation, load, verdict)
    with installation.sessions.read() as session:
        jobs = {job.id: job for job in session.scalars(select(Job))}
        requeues = select(Transition.reason).where(Transition.from_state == "running", Transition.to_state == "queued")
        verdict.requeued.update(str((reason or {}).get("code")) for reason in session.scalars(requeues))
    for job_id in jobs.keys() - load.accepted.keys():
        verdict.jobs[DUPLICATED] += 1
        verdict.add_fault(job_id, "exists, but its submit was not answered 201")
    for job_id, kind in load.accepted.items():
        job = jobs.get(job_id)
        verdict.attempts += 0 if job is None else job.attempt
        if load.owner_actions is not None and job_id in load.owner_actions.deleted:
            is_confirmed = load.owner_actions.deleted[job_id]
            job_class = _classify_deleted_job(verdict, job_id, exists=job is not None, is_confirmed=is_confirmed)
        else:
            allowed = expected.get(job_id, excused) | _list_owner_ends(load, job_id)
            job_class = _classify_job(installation, verdict, job_id, job, references.get(kind), allowed)
        verdict.jobs[job_class] += 1
    corrupt = [*_find_corrupt_files(installation), *_find_missing_uploads(installation, load)]
    verdict.corrupt = len(corrupt)
    verdict.faults += corrupt[:_MAX_MESSAGES]
    return verdict


def _judge_writes(installation: Installation, load: Load, verdict: Verdict) -> None:
    writes = audit.read_writes(installation.sessions)
    stale = [write for write in writes if write.is_stale]
    verdict.stale_writes = len(stale)
    verdict.faults += [f"stale: {write}" for write in stale[:_MAX_MESSAGES]]
    verdict.resumed = len(audit.find_resumed_jobs(writes) & load.accepted.keys())


def _list_owner_ends(load: Load, job_id: UUID) -> frozenset[str]:
    is_cancelled = load.owner_actions is not None and job_id in load.owner_actions.cancelled
    return CANCELLED if is_cancelled else frozenset()


def _classify_deleted_job(verdict: Verdict, job_id: UUID, *, exists: bool, is_confirmed: bool) -> str:
    if exists and is_confirmed:
        verdict.add_fault(job_id, "still exists after its deletion was answered 204")
        return UNEXPECTED
    return FINISHED


def _classify_job(
    installation: Installation,
    verdict: Verdict,
    job_id: UUID,
    job: Job | None,
    reference: JobOutcome | None,
    allowed: frozenset[str],
) -> str:
    if job is None or job.state not in TERMINAL_STATES:
        message = "does not exist" if job is None else f"still {job.state} after attempt {job.attempt}"
        verdict.add_fault(job_id, message)
        return LOST
    with installation.sessions.read() as session:
        transitions = session.scalars(
            select(Transition).where(Transition.job_id == job_id).order_by(Transition.number)
        ).all()
        rows = session.execute(select(Epoch.epoch, Epoch.values).where(Epoch.job_id == job_id)).all()
    if message := _check_transitions(job, transitions):
        verdict.add_fault(job_id, message)
        return DUPLICATED
    if f"{job.state} {(job.reason or {}).get('code', '')}".strip() in allowed:
        return FINISHED
    if reference is None or job.state != reference.state:
        verdict.add_fault(job_id, f"{job.name} ended {job.state} in attempt {job.attempt}: {job.reason}")
        return UNEXPECTED
    _count_epochs(verdict, job, rows, reference)
    return _compare_results(installation, verdict, job, reference)


def _compare_results(installation: Installation, verdict: Verdict, job: Job, reference: JobOutcome) -> str:
    if _format_evaluation(job) != reference.evaluation:
        verdict.add_fault(job.id, f"{job.name}, attempt {job.attempt}: another evaluation than undisturbed")
        return UNEXPECTED
    if _compute_weights_digest(installation, job.id) != reference.weights:
        verdict.add_fault(job.id, f"{job.name}, attempt {job.attempt}: other weights than undisturbed")
        return UNEXPECTED
    verdict.same_bits += 1
    return FINISHED


def _check_transitions(job: Job, transitions: Sequence[Transition]) -> str | None:
    """Return a message if the transitions have two ends, two starts of an attempt, or an illegal step."""
    ends = [transition for transition in transitions if transition.to_state in TERMINAL_STATES]
    claims = [transition.attempt for transition in transitions if transition.to_state == "running"]
    path = " ".join(f"{transition.to_state}({transition.attempt})" for transition in transitions)
    if [transition.number for transition in transitions] != list(range(1, len(transitions) + 1)):
        return f"its transitions are not numbered one by one: {path}"
    if len(ends) != 1 or ends[0] is not transitions[-1]:
        return f"has {len(ends)} ends: {path}"
    if claims != list(range(1, len(claims) + 1)) or job.attempt != len(claims):
        return f"its attempts are not one after the other: {path}"
    for before, after in pairwise(transitions):
        legal = {str(state) for state in LEGAL_TRANSITIONS[before.to_state]}  # type: ignore[index]
        if after.from_state != before.to_state or after.to_state not in legal:
            return f"went from {before.to_state} to {after.to_state}: {path}"
    return None


def _count_epochs(verdict: Verdict, job: Job, rows: Sequence[Any], reference: JobOutcome) -> None:
    counts = Counter(row.epoch for row in rows)
    values = {row.epoch: _to_bytes(row.values) for row in rows}
    for epoch, expected in enumerate(reference.epochs):
        if counts[epoch] == 0:
            epoch_class = "missing"
        elif counts[epoch] > 1:
            epoch_class = "twice"
        else:
            epoch_class = "once" if values[epoch] == expected else "other bits"
        verdict.epochs[epoch_class] += 1
        if epoch_class != "once" and len(verdict.faults) < _MAX_MESSAGES:
            verdict.add_fault(job.id, f"{job.name}, attempt {job.attempt}: epoch {epoch} {epoch_class}")
    if surplus := counts.keys() - set(range(len(reference.epochs))):
        verdict.epochs["twice"] += len(surplus)
        verdict.add_fault(job.id, f"{job.name}: epochs that are too many: {sorted(surplus)[:3]}")


def _format_evaluation(job: Job) -> str:
    return json.dumps(job.evaluation, sort_keys=True)


def _to_bytes(values: Any) -> bytes:
    return bytes(memoryview(values).cast("B"))


def _compute_weights_digest(installation: Installation, job_id: UUID) -> str:
    """Return a digest of the published model, or a message if there is none or it is not readable."""
    query = select(Artifact.sha256).where(Artifact.job_id == job_id, Artifact.kind == "model")
    with installation.sessions.read() as session:
        sha256 = session.scalar(query)
    if sha256 is None:
        return "no model"
    try:
        return compute_model_digest(installation.artifact_path(sha256))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        return f"not readable: {error}"


def _find_missing_uploads(installation: Installation, load: Load) -> Iterable[str]:
    with installation.sessions.read() as session:
        stored = {row.id: row.sha256 for row in session.execute(select(Dataset.id, Dataset.sha256))}
    for dataset_id, sha256 in load.uploaded.items():
        if stored.get(dataset_id) != sha256:
            yield f"dataset {dataset_id} is {stored.get(dataset_id)}, and {sha256} was accepted"


def _find_corrupt_files(installation: Installation) -> Iterable[str]:
    """Yield a message for each referenced file that is missing or has another digest than its name."""
    with installation.sessions.read() as session:
        uploaded = select(Dataset.sha256).where(Dataset.name.not_like("builtin:%"))
        queries = (select(Artifact.sha256), select(Checkpoint.sha256), uploaded)
        referenced = {sha256 for query in queries for sha256 in session.scalars(query)}
    for sha256 in sorted(referenced):
        path = installation.artifact_path(sha256)
        if not path.exists():
            yield f"file {sha256} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"file {sha256} has other bytes"
