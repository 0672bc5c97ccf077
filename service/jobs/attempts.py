"""Attempts as a worker makes them: claim, renew, record, conclude. Every write after the claim is fenced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from models import Artifact, Checkpoint, Dataset, Epoch, Job, JobMetric, JobState
from service.db.database import now
from service.errors import LeaseLost
from service.history import metric_summaries
from service.history.metric_summaries import MetricSummary
from service.jobs import checkpoints, crashes, lifecycle
from service.jobs.crashes import Crash
from service.jobs.execution_environment import ExecutionOptions, RanOn, choose_ran_on
from service.queue import worker_registry
from service.storage import file_references
from service.storage.artifact_store import Stored
from stackyard.spec import JobSpec

log = structlog.get_logger()


@dataclass(frozen=True)
class Claim:
    """A worker's right to one attempt at a job, for as long as its lease lasts.

    `checkpoint` is where to go on, None for the beginning. Before it there are `spent_s` seconds of earlier attempts,
    and the epochs whose metrics are `names` and `summaries`. `ran_on` is what it is to compute on, as it was chosen.
    `task` and `warnings` are those of the check at submit, as JSON; a job of an earlier release has no task.
    """

    job_id: UUID
    attempt: int
    spec: JobSpec
    dataset: Dataset
    checkpoint: Checkpoint | None = None
    spent_s: float = 0.0
    names: Sequence[str] = ()
    summaries: Mapping[str, MetricSummary] = field(default_factory=dict[str, MetricSummary])
    ran_on: RanOn | None = None
    task: Mapping[str, Any] | None = None
    warnings: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class EpochRow:
    """One epoch's metrics, in the order of the attempt's metric names; epochs count from 0."""

    epoch: int
    values: Sequence[float]


@dataclass(frozen=True)
class MadeCheckpoint:
    """A checkpoint that lies in the store.

    The training goes on from it with `step` of `epoch`, both from 0, after `spent_s` seconds over all attempts.
    """

    stored: Stored
    epoch: int
    step: int
    spent_s: float


@dataclass(frozen=True)
class Wishes:
    """What somebody wants of a job that runs."""

    cancel: bool
    pause: bool


@dataclass(frozen=True)
class MadeArtifact:
    """A file that lies in the store and is to be published with its job."""

    kind: str
    media_type: str
    stored: Stored


@dataclass(frozen=True)
class Conclusion:
    """How an attempt ended: in which terminal state, why, and with what to show for it."""

    state: JobState
    why: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None
    artifacts: Sequence[MadeArtifact] = ()


@dataclass(frozen=True)
class LetGo:
    """How an attempt ended whose job did not: why its worker gave it up."""

    why: dict[str, Any]


@dataclass(frozen=True)
class _Holder:
    """Who takes a job: the arguments of `claim`."""

    worker: str
    worker_id: UUID | None
    lease_s: float
    options: ExecutionOptions | None


def claim(
    session: Session,
    *,
    queue: str,
    worker: str,
    lease_s: float,
    worker_id: UUID | None = None,
    options: ExecutionOptions | None = None,
) -> Claim | None:
    """Take the best waiting job of a queue: the highest priority, then the oldest.

    It goes on from its checkpoint; what an earlier attempt had recorded past that goes. A worker that drains is given
    nothing.

    Args:
        session: in a transaction that may write.
        queue: to take from.
        worker: the host and process that will do the work.
        lease_s: seconds for which the right to it lasts, unless it is renewed.
        worker_id: the `models.Worker` whose child that process is.
        options: what that process can run the job on; None leaves the choice out.

    """
    if worker_id is not None and not worker_registry.may_take(session, worker_id):
        return None
    holder = _Holder(worker, worker_id, lease_s, options)
    while job_id := _first_waiting(session, queue):
        job = session.get_one(Job, job_id)
        dataset = None if job.dataset_id is None else session.get(Dataset, job.dataset_id)
        if dataset is None:
            _refuse(session, job, "dataset_deleted", "Its dataset was deleted while the job was being submitted.")
        elif (spec := _spec(job)) is None:
            _refuse(session, job, "spec_unreadable", "This release cannot read its spec; submit it again.")
        else:
            return _take(session, job, spec, dataset, holder)
    return None


def waiting(session: Session, queue: str) -> bool:
    """Whether a job of this queue waits to be claimed."""
    query = select(Job.id).where(Job.state == JobState.QUEUED, Job.queue == queue).limit(1)
    return session.scalar(query) is not None


def wishes(session: Session, claimed: Claim) -> Wishes:
    """What somebody wants of the job.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    row = session.execute(select(Job.cancel_requested, Job.pause_requested).where(*_fence(claimed))).one_or_none()
    if row is None:
        raise _lost(claimed)
    return Wishes(row.cancel_requested, row.pause_requested)


def renew(session: Session, claimed: Claim, lease_s: float, *, peak_memory: int | None = None) -> None:
    """Extend the lease to `lease_s` seconds from now, and note the most bytes that the process was seen with.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    lease_until = now(session) + timedelta(seconds=lease_s)
    _fenced_update(session, claimed, lease_until=lease_until, peak_memory=peak_memory)


def record_epochs(
    session: Session,
    claimed: Claim,
    names: Sequence[str],
    rows: Sequence[EpochRow],
    summaries: Mapping[str, MetricSummary],
) -> None:
    """Add epochs to the job's history, and bring its last and best values up to date.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    if not rows:
        return
    _fenced_update(session, claimed, epochs_done=rows[-1].epoch + 1, metric_names=list(names))
    # Where a commit's outcome stayed unknown the same epochs come again; with the fence held they are ours.
    session.execute(delete(Epoch).where(Epoch.job_id == claimed.job_id, Epoch.epoch >= rows[0].epoch))
    session.execute(
        insert(Epoch),
        [{"job_id": claimed.job_id, "epoch": row.epoch, "values": row.values} for row in rows],
    )
    _summarise(session, claimed.job_id, summaries)


def keep_checkpoint(session: Session, claimed: Claim, made: MadeCheckpoint) -> None:
    """Have the job go on from here, should this attempt not end it; the epochs before must be recorded by now.

    Raises:
        FileGone: its file was taken away after it had been stored.
        LeaseLost: the attempt is no longer this worker's.

    """
    _fenced_update(session, claimed, spent_s=made.spent_s)
    checkpoints.discard(session, claimed.job_id)
    session.add(
        Checkpoint(
            job_id=claimed.job_id,
            sha256=made.stored.sha256,
            bytes=made.stored.bytes,
            attempt=claimed.attempt,
            epoch=made.epoch,
            step=made.step,
            created_at=now(session),
        )
    )
    file_references.adopt(session, [made.stored])  # it may be the one from before, if we did not hear of that commit


def start_anew(session: Session, claimed: Claim) -> None:
    """Drop a checkpoint that is of no use, and all that was recorded before it: this attempt begins at the beginning.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    _fenced_update(session, claimed, spent_s=0.0, epochs_done=0, metric_names=[])
    checkpoints.discard(session, claimed.job_id)
    for owned in (Epoch, JobMetric):
        session.execute(delete(owned).where(owned.job_id == claimed.job_id))


def conclude(session: Session, claimed: Claim, conclusion: Conclusion, *, peak_memory: int | None = None) -> None:
    """End the job, and publish what it made, in the one transaction that says so.

    Raises:
        FileGone: a file of it was taken away after it had been stored.
        LeaseLost: the attempt is no longer this worker's.

    """
    moved = lifecycle.move(
        session,
        claimed.job_id,
        to=conclusion.state,
        from_=[JobState.RUNNING],
        fence=claimed.attempt,
        why=conclusion.why,
        evaluation=conclusion.evaluation,
        peak_memory=peak_memory,
    )
    if not moved:
        raise _lost(claimed)
    session.add_all(_artifacts(session, claimed, conclusion.artifacts))
    file_references.adopt(session, [made.stored for made in conclusion.artifacts])


def let_go(session: Session, claimed: Claim, letting_go: LetGo, *, peak_memory: int | None = None) -> None:
    """End the attempt and not the job, which waits again unless somebody wants it cancelled or paused.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    lifecycle.let_go(session, _held(session, claimed), letting_go.why, peak_memory=peak_memory)


def end_stalled(session: Session, claimed: Claim, *, silent_s: float, max_crashes: int) -> None:
    """End an attempt whose training makes no progress; it counts as a crash of its process.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    what = f"nothing was heard of the training for {silent_s:g} s, and it was stopped by force"
    crashes.end(session, _held(session, claimed), Crash(what), max_crashes=max_crashes)


def _first_waiting(session: Session, queue: str) -> UUID | None:
    return session.scalar(
        select(Job.id)
        .where(Job.state == JobState.QUEUED, Job.queue == queue)
        .order_by(Job.priority.desc(), Job.id)
        .limit(1)
        .with_for_update(skip_locked=True),
    )


def _spec(job: Job) -> JobSpec | None:
    try:
        return JobSpec.model_validate(job.spec)
    except ValidationError as error:
        log.warning("spec not read", action="spec_unreadable", job=str(job.id), error=str(error))
        return None


def _refuse(session: Session, job: Job, code: str, message: str) -> None:
    why = lifecycle.reason(code, message)
    lifecycle.move(session, job.id, to=JobState.FAILED, from_=[JobState.QUEUED], why=why)


def _take(session: Session, job: Job, spec: JobSpec, dataset: Dataset, holder: _Holder) -> Claim:
    checkpoint = session.get(Checkpoint, job.id)
    ran_on = None
    if holder.options is not None:
        previous = None if checkpoint is None else job.ran_on
        ran_on = choose_ran_on(session, job, holder.options, worker_id=holder.worker_id, previous=previous)
    begins = 0 if checkpoint is None else checkpoint.epoch
    names = list(job.metric_names) if begins else []
    spent_s = 0.0 if checkpoint is None else job.spent_s
    moment = now(session)
    lifecycle.move(
        session,
        job.id,
        to=JobState.RUNNING,
        from_=[JobState.QUEUED],
        attempt=Job.attempt + 1,
        worker=holder.worker,
        worker_id=holder.worker_id,
        ran_on=None if ran_on is None else asdict(ran_on),
        lease_until=moment + timedelta(seconds=holder.lease_s),
        started_at=moment,
        epochs_done=begins,
        metric_names=names,
        spent_s=spent_s,
        peak_memory=None,
    )
    session.execute(delete(Epoch).where(Epoch.job_id == job.id, Epoch.epoch >= begins))
    known = metric_summaries.recorded(session, job.id, names)
    _summarise(session, job.id, known)
    return Claim(
        job.id,
        job.attempt,
        spec,
        dataset,
        checkpoint,
        spent_s,
        tuple(names),
        known,
        ran_on,
        job.task,
        tuple(job.warnings),
    )


def _summarise(session: Session, job_id: UUID, known: Mapping[str, MetricSummary]) -> None:
    """Have the job's last and best values be these."""
    session.execute(delete(JobMetric).where(JobMetric.job_id == job_id))
    rows = [{"job_id": job_id, "name": name, **asdict(summary)} for name, summary in known.items()]
    if rows:
        session.execute(insert(JobMetric), rows)


def _artifacts(session: Session, claimed: Claim, made: Iterable[MadeArtifact]) -> list[Artifact]:
    moment = now(session)
    return [
        Artifact(
            job_id=claimed.job_id,
            kind=artifact.kind,
            sha256=artifact.stored.sha256,
            bytes=artifact.stored.bytes,
            media_type=artifact.media_type,
            created_at=moment,
        )
        for artifact in made
    ]


def _fence(claimed: Claim) -> tuple[Any, ...]:
    return (Job.id == claimed.job_id, Job.attempt == claimed.attempt, Job.state == JobState.RUNNING)


def _held(session: Session, claimed: Claim) -> Job:
    """The job, as nobody else changes it until the transaction ends."""
    job = session.scalar(select(Job).where(*_fence(claimed)).with_for_update())
    if job is None:
        raise _lost(claimed)
    return job


def _fenced_update(session: Session, claimed: Claim, **values: Any) -> None:
    result = session.execute(
        update(Job).where(*_fence(claimed)).values(**values),
        execution_options={"synchronize_session": False},
    )
    if not isinstance(result, CursorResult) or result.rowcount == 0:
        raise _lost(claimed)


def _lost(claimed: Claim) -> LeaseLost:
    return LeaseLost(f"Attempt {claimed.attempt} of job {claimed.job_id} is no longer ours.")
