"""Attempts as a worker makes them: claim, renew, record, conclude. Every write after the claim is fenced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from models import Artifact, Dataset, Epoch, Job, JobMetric, JobState
from service import files, lifecycle
from service.artifacts import Stored
from service.database import now
from service.errors import LeaseLost
from stackyard.spec import JobSpec


@dataclass(frozen=True)
class Claim:
    """A worker's right to one attempt at a job, for as long as its lease lasts."""

    job_id: UUID
    attempt: int
    spec: JobSpec
    dataset: Dataset


@dataclass(frozen=True)
class RanOn:
    """What an attempt computes on: with the spec and the dataset, all that its numbers depend on.

    `device` is `cpu` or the card's name. `threads` are TensorFlow's intra-op ones: with more than one, a long sum may
    have other last bits. `precision` is Keras's dtype policy, or `tf32` where it is float32 and the card rounds the
    factors of products to TensorFloat-32. `versions` are those of python, stackyard, keras and tensorflow.
    """

    device: str
    threads: int
    precision: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class EpochRow:
    """One epoch's metrics, in the order of the attempt's metric names; epochs count from 0."""

    epoch: int
    values: Sequence[float]


@dataclass(frozen=True)
class MetricSummary:
    """A metric's last value, its best so far and the epoch of that; None for what is not finite."""

    last: float | None
    best: float | None
    best_epoch: int | None


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


def claim(
    session: Session,
    *,
    queue: str,
    worker: str,
    lease_s: float,
    worker_id: UUID | None = None,
    ran_on: RanOn | None = None,
) -> Claim | None:
    """Take the best waiting job of a queue: the highest priority, then the oldest.

    What an earlier, lost attempt had recorded goes: this attempt starts from the beginning.

    Args:
        session: in a transaction that may write.
        queue: to take from.
        worker: the host and process that will do the work.
        lease_s: seconds for which the right to it lasts, unless it is renewed.
        worker_id: the `models.Worker` whose child that process is.
        ran_on: what it computes on.

    """
    holder = {"worker": worker, "worker_id": worker_id, "ran_on": None if ran_on is None else asdict(ran_on)}
    while job_id := _first_waiting(session, queue):
        dataset = session.scalar(select(Dataset).join(Job, Job.dataset_id == Dataset.id).where(Job.id == job_id))
        if dataset is not None:
            return _take(session, job_id, dataset, holder, lease_s)
        why = lifecycle.reason("dataset_deleted", "Its dataset was deleted while the job was being submitted.")
        lifecycle.move(session, job_id, to=JobState.FAILED, from_=[JobState.QUEUED], why=why)
    return None


def waiting(session: Session, queue: str) -> bool:
    """Whether a job of this queue waits to be claimed."""
    query = select(Job.id).where(Job.state == JobState.QUEUED, Job.queue == queue).limit(1)
    return session.scalar(query) is not None


def cancel_requested(session: Session, claimed: Claim) -> bool:
    """Whether somebody wants the job to stop.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    wish = session.scalar(select(Job.cancel_requested).where(*_fence(claimed)))
    if wish is None:
        raise LeaseLost(f"Attempt {claimed.attempt} of job {claimed.job_id} is no longer ours.")
    return wish


def renew(session: Session, claimed: Claim, lease_s: float) -> None:
    """Extend the lease to `lease_s` seconds from now.

    Raises:
        LeaseLost: the attempt is no longer this worker's.

    """
    _fenced_update(session, claimed, lease_until=now(session) + timedelta(seconds=lease_s))


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
    session.execute(delete(JobMetric).where(JobMetric.job_id == claimed.job_id))
    session.execute(
        insert(JobMetric),
        [
            {
                "job_id": claimed.job_id,
                "name": name,
                "last": summary.last,
                "best": summary.best,
                "best_epoch": summary.best_epoch,
            }
            for name, summary in summaries.items()
        ],
    )


def conclude(session: Session, claimed: Claim, conclusion: Conclusion) -> None:
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
    )
    if not moved:
        raise LeaseLost(f"Attempt {claimed.attempt} of job {claimed.job_id} is no longer ours.")
    session.add_all(_artifacts(session, claimed, conclusion.artifacts))
    files.adopt(session, [made.stored for made in conclusion.artifacts])


def _first_waiting(session: Session, queue: str) -> UUID | None:
    return session.scalar(
        select(Job.id)
        .where(Job.state == JobState.QUEUED, Job.queue == queue)
        .order_by(Job.priority.desc(), Job.id)
        .limit(1)
        .with_for_update(skip_locked=True),
    )


def _take(session: Session, job_id: UUID, dataset: Dataset, holder: Mapping[str, Any], lease_s: float) -> Claim:
    moment = now(session)
    lifecycle.move(
        session,
        job_id,
        to=JobState.RUNNING,
        from_=[JobState.QUEUED],
        attempt=Job.attempt + 1,
        **holder,
        lease_until=moment + timedelta(seconds=lease_s),
        started_at=moment,
        epochs_done=0,
        metric_names=[],
    )
    for owned in (Epoch, JobMetric):
        session.execute(delete(owned).where(owned.job_id == job_id))
    job = session.get_one(Job, job_id)
    return Claim(job_id, job.attempt, JobSpec.model_validate(job.spec), dataset)


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


def _fenced_update(session: Session, claimed: Claim, **values: Any) -> None:
    result = session.execute(
        update(Job).where(*_fence(claimed)).values(**values),
        execution_options={"synchronize_session": False},
    )
    if not isinstance(result, CursorResult) or result.rowcount == 0:
        raise LeaseLost(f"Attempt {claimed.attempt} of job {claimed.job_id} is no longer ours.")
