"""The attempts of a worker at a job: claim, renew the lease, record, conclude.

Every write after the claim is fenced: it takes effect only while the attempt is the job's current one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from models import Artifact, Backend, Checkpoint, Dataset, Epoch, Job, JobMetric, JobState, Transition
from service.db.database import get_current_time
from service.errors import LeaseLost
from service.history import metric_summaries
from service.history.metric_summaries import MetricSummary
from service.jobs import crashes, estimates, lifecycle
from service.jobs.crashes import Crash
from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions, choose_execution_environment
from service.jobs.queries import WITHOUT_DOCUMENTS
from service.jobs.queue_order.next_job import lock_next_job
from service.queue import worker_registry
from service.storage import file_references
from service.storage.artifact_store import FileReference
from service.team.usage.charging import charge_owner
from stackyard.spec import JobSpec
from stackyard.spec.training.metric_directions import list_maximized_columns

log = structlog.get_logger()


@dataclass(frozen=True)
class Claim:
    """The right of a worker to one attempt at a job, for as long as its lease lasts.

    Args:
        job_id: the job.
        attempt: the number of the attempt. It fences every write.
        spec: the job's spec.
        dataset: the dataset that the spec names.
        checkpoint: where the training continues; None for a training from the beginning.
        spent_s: seconds that earlier attempts spent on the epochs before the checkpoint.
        metric_names: the metrics that are recorded for those epochs.
        summaries: the summaries of those metrics.
        ran_on: the execution environment that was chosen for the attempt.
        task: the task that the spec check found at submit, as JSON; None in jobs of earlier releases.
        warnings: the warnings of the spec check at submit, as JSON.
        memory_estimate: of the spec check at submit, in bytes; None in jobs of earlier releases.
        test_dataset: the `test_dataset` that the spec names, or None.
        finish_after: the number of epochs after which the training ends, at a client's request; None for all of them.
        until_epoch: the number of epochs after which the training pauses; None if it does not.
        continued_from: the job whose training this job continues. It may have written the checkpoint.
        sweep_id: the sweep that the job belongs to; None for a job of its own.
        architecture: the key of the job's architecture; None in jobs of earlier releases.
        trace_context: that of the request that created the job; None without traces.
        queue_wait: the time from which the job had been waiting, and the time of the claim; None without traces.

    """

    job_id: UUID
    attempt: int
    spec: JobSpec
    dataset: Dataset
    checkpoint: Checkpoint | None = None
    spent_s: float = 0.0
    metric_names: Sequence[str] = ()
    summaries: Mapping[str, MetricSummary] = field(default_factory=dict[str, MetricSummary])
    ran_on: ExecutionEnvironment | None = None
    task: Mapping[str, Any] | None = None
    warnings: Sequence[Mapping[str, Any]] = ()
    memory_estimate: int | None = None
    test_dataset: Dataset | None = None
    finish_after: int | None = None
    until_epoch: int | None = None
    continued_from: UUID | None = None
    sweep_id: UUID | None = None
    architecture: str | None = None
    trace_context: str | None = None
    queue_wait: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one epoch, in the order of the attempt's metric names; epochs count from 0."""

    epoch: int
    values: Sequence[float]


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint whose file is in the store.

    The training continues with `step` of `epoch`, both from 0. `spent_s` are the seconds of all attempts up to it.
    """

    file: FileReference
    epoch: int
    step: int
    spent_s: float


@dataclass(frozen=True)
class ControlRequests:
    """The requests to cancel, to pause or to finish a running job.

    `finish_after` is the number of epochs after which the training is to end; None without a request to finish.
    `until_epoch` is the number after which it is to pause; None to train to the end.
    """

    cancel: bool = False
    pause: bool = False
    finish_after: int | None = None
    until_epoch: int | None = None


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact whose file is in the store, and which is published when its job ends."""

    kind: str
    media_type: str
    file: FileReference


@dataclass(frozen=True)
class Conclusion:
    """The end of an attempt that ends its job: the terminal state, the reason, and the results.

    From `checkpoint`, another job could train more epochs; None if it is not kept.
    """

    state: JobState
    reason: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None
    artifacts: Sequence[StoredArtifact] = ()
    checkpoint: StoredCheckpoint | None = None


@dataclass(frozen=True)
class ReleasedAttempt:
    """The end of an attempt that does not end its job, and the reason why the worker released it.

    `checkpoint` is the state at the job's `until_epoch` if the worker stopped for it; None otherwise.
    """

    reason: dict[str, Any]
    checkpoint: StoredCheckpoint | None = None


@dataclass(frozen=True)
class _Claimant:
    """The process that claims a job: the arguments of `claim_job`."""

    worker: str
    worker_id: UUID | None
    lease_s: float
    options: ExecutionOptions | None


def claim_job(
    session: Session,
    *,
    queue: str,
    worker: str,
    lease_s: float,
    worker_id: UUID | None = None,
    options: ExecutionOptions | None = None,
    architectures: Collection[str] = (),
    backend: Backend | None = None,
) -> Claim | None:
    """Claim the next waiting job of a queue.

    It is a job of the user who is next in the order of fair share (see `service.team.fair_share`). Of their jobs, it
    is that with the highest priority, then with one of the given architectures, then the oldest.

    The attempt continues from the job's checkpoint. Epochs that an earlier attempt recorded after it are deleted.
    A worker that drains gets no job. A job that cannot run becomes failed, and the next one is tried.

    Args:
        session: in a transaction that may write.
        queue: the queue to take a job from.
        worker: the host and process that will do the work.
        lease_s: seconds for which the claim lasts, unless it is renewed.
        worker_id: the `models.Worker` whose child that process is.
        options: the execution environments that the process offers; None makes no choice.
        architectures: keys of architectures whose jobs come first within their priority.
        backend: the backend of the job, which is that of the process; None is any of them.

    """
    if worker_id is not None and not worker_registry.can_take_jobs(session, worker_id):
        return None
    claimant = _Claimant(worker, worker_id, lease_s, options)
    while job_id := lock_next_job(session, queue, architectures, backend):
        job = session.get_one(Job, job_id)
        dataset = None if job.dataset_id is None else session.get(Dataset, job.dataset_id)
        test_dataset = None if job.test_dataset_id is None else session.get(Dataset, job.test_dataset_id)
        if dataset is None or (job.test_dataset_name is not None and test_dataset is None):
            _fail_job(session, job, "dataset_deleted", "Its dataset was deleted while the job was being submitted.")
        elif (spec := _parse_spec(job)) is None:
            _fail_job(session, job, "spec_unreadable", "This release cannot read its spec; submit it again.")
        else:
            return replace(_start_attempt(session, job, spec, dataset, claimant), test_dataset=test_dataset)
    return None


def has_waiting_jobs(session: Session, queue: str) -> bool:
    """Return whether a job of this queue waits to be claimed."""
    query = select(Job.id).where(Job.state == JobState.QUEUED, Job.queue == queue).limit(1)
    return session.scalar(query) is not None


def load_control_requests(session: Session, claim: Claim) -> ControlRequests:
    """Return the requests to cancel, to pause or to finish the job, and the epoch after which it is to pause.

    Raises:
        LeaseLost: the worker no longer holds the attempt.

    """
    columns = (Job.cancel_requested, Job.pause_requested, Job.finish_after_epochs, Job.until_epoch)
    row = session.execute(select(*columns).where(*_build_fence(claim))).one_or_none()
    if row is None:
        raise _build_lease_lost(claim)
    return ControlRequests(*row)


def renew_lease(session: Session, claim: Claim, lease_s: float, *, peak_memory: int | None = None) -> None:
    """Extend the lease to `lease_s` seconds from now, and record the peak memory of the process in bytes.

    Raises:
        LeaseLost: the worker no longer holds the attempt.

    """
    lease_until = get_current_time(session) + timedelta(seconds=lease_s)
    _update_fenced(session, claim, lease_until=lease_until, peak_memory=peak_memory)


def record_epochs(
    session: Session,
    claim: Claim,
    metric_names: Sequence[str],
    epochs: Sequence[EpochMetrics],
    summaries: Mapping[str, MetricSummary],
) -> None:
    """Add epochs to the job's history, and replace the summaries of its metrics.

    Raises:
        LeaseLost: the worker no longer holds the attempt.

    """
    if not epochs:
        return
    _update_fenced(session, claim, epochs_done=epochs[-1].epoch + 1, metric_names=list(metric_names))
    # If the outcome of a commit was unknown, the same epochs come again. The fence holds, so these rows are ours.
    session.execute(delete(Epoch).where(Epoch.job_id == claim.job_id, Epoch.epoch >= epochs[0].epoch))
    session.execute(
        insert(Epoch),
        [{"job_id": claim.job_id, "epoch": row.epoch, "values": row.values} for row in epochs],
    )
    _replace_summaries(session, claim.job_id, summaries)


def save_checkpoint(session: Session, claim: Claim, checkpoint: StoredCheckpoint) -> None:
    """Make the job's next attempt continue from this checkpoint. All epochs before it must be recorded already.

    Raises:
        FileRemoved: the checkpoint's file was removed after it had been stored.
        LeaseLost: the worker no longer holds the attempt.

    """
    _update_fenced(session, claim, spent_s=checkpoint.spent_s)
    lifecycle.delete_checkpoint(session, claim.job_id)
    _insert_checkpoint(session, claim, checkpoint)


def _insert_checkpoint(session: Session, claim: Claim, checkpoint: StoredCheckpoint) -> None:
    session.add(
        Checkpoint(
            job_id=claim.job_id,
            sha256=checkpoint.file.sha256,
            bytes=checkpoint.file.bytes,
            attempt=claim.attempt,
            epoch=checkpoint.epoch,
            step=checkpoint.step,
            created_at=get_current_time(session),
        )
    )
    # After a commit whose outcome was unknown this may be the same file as before: so refer to it after the deletion.
    file_references.reference_files(session, [checkpoint.file])


def restart_attempt(session: Session, claim: Claim) -> None:
    """Delete a checkpoint that cannot be used and all recorded epochs: the attempt starts from the beginning.

    Raises:
        LeaseLost: the worker no longer holds the attempt.

    """
    _update_fenced(session, claim, spent_s=0.0, epochs_done=0, first_epoch=0, metric_names=[])
    lifecycle.delete_checkpoint(session, claim.job_id)
    for table in (Epoch, JobMetric):
        session.execute(delete(table).where(table.job_id == claim.job_id))


def conclude_attempt(
    session: Session, claim: Claim, conclusion: Conclusion, *, peak_memory: int | None = None
) -> None:
    """End the attempt and its job, and publish the job's artifacts in the same transaction.

    Raises:
        FileRemoved: the file of an artifact was removed after it had been stored.
        LeaseLost: the worker no longer holds the attempt.

    """
    is_concluded = lifecycle.transition_job(
        session,
        claim.job_id,
        to_state=conclusion.state,
        from_states=[JobState.RUNNING],
        fence=claim.attempt,
        reason=conclusion.reason,
        evaluation=conclusion.evaluation,
        peak_memory=peak_memory,
    )
    if not is_concluded:
        raise _build_lease_lost(claim)
    session.add_all(_build_artifact_rows(session, claim, conclusion.artifacts))
    file_references.reference_files(session, [artifact.file for artifact in conclusion.artifacts])
    if conclusion.checkpoint is not None:
        _insert_checkpoint(session, claim, conclusion.checkpoint)


def release_attempt(
    session: Session, claim: Claim, released_attempt: ReleasedAttempt, *, peak_memory: int | None = None
) -> None:
    """End the attempt but not its job: the job waits again, or is cancelled or paused if that was requested.

    Raises:
        FileRemoved: the file of the checkpoint was removed after it had been stored.
        LeaseLost: the worker no longer holds the attempt.

    """
    job, checkpoint = _lock_running_job(session, claim), released_attempt.checkpoint
    if checkpoint is not None:
        save_checkpoint(session, claim, checkpoint)
    reached_epoch = None if checkpoint is None else checkpoint.epoch
    lifecycle.release_job(session, job, released_attempt.reason, reached_epoch=reached_epoch, peak_memory=peak_memory)


def end_stalled_attempt(session: Session, claim: Claim, *, silent_s: float, max_crashes: int) -> None:
    """End an attempt whose training reported nothing for `silent_s` seconds; it counts as a crash of its process.

    Raises:
        LeaseLost: the worker no longer holds the attempt.

    """
    crash = Crash(f"nothing was heard from the training for {silent_s:g} s, and its process was stopped by force")
    crashes.end_crashed_attempt(session, _lock_running_job(session, claim), crash, max_crashes=max_crashes)


def _parse_spec(job: Job) -> JobSpec | None:
    try:
        return JobSpec.model_validate(job.spec)
    except ValidationError as error:
        log.warning("spec not read", action="spec_unreadable", job=str(job.id), error=str(error))
        return None


def _fail_job(session: Session, job: Job, code: str, message: str) -> None:
    reason = lifecycle.build_reason(code, message)
    lifecycle.transition_job(session, job.id, to_state=JobState.FAILED, from_states=[JobState.QUEUED], reason=reason)


def _start_attempt(session: Session, job: Job, spec: JobSpec, dataset: Dataset, claimant: _Claimant) -> Claim:
    checkpoint = session.get(Checkpoint, job.id)
    environment = _choose_environment(session, job, claimant, checkpoint)
    first_epoch = 0 if checkpoint is None else checkpoint.epoch
    metric_names = list(job.metric_names) if first_epoch else []
    spent_s = 0.0 if checkpoint is None else job.spent_s
    current_time = get_current_time(session)
    queue_wait = None if job.trace_context is None else (_find_queued_time(session, job), current_time)
    lifecycle.transition_job(
        session,
        job.id,
        to_state=JobState.RUNNING,
        from_states=[JobState.QUEUED],
        at=current_time,
        attempt=Job.attempt + 1,
        worker=claimant.worker,
        worker_id=claimant.worker_id,
        ran_on=None if environment is None else asdict(environment),
        lease_until=current_time + timedelta(seconds=claimant.lease_s),
        started_at=current_time,
        epochs_done=first_epoch,
        first_epoch=first_epoch,
        metric_names=metric_names,
        spent_s=spent_s,
        charged_s=_charge_owner(session, job),
        peak_memory=None,
        finish_after_epochs=_choose_last_epoch(job, checkpoint),
    )
    session.execute(delete(Epoch).where(Epoch.job_id == job.id, Epoch.epoch >= first_epoch))
    summaries = metric_summaries.compute_recorded_summaries(
        session, job.id, metric_names, list_maximized_columns(spec.training)
    )
    _replace_summaries(session, job.id, summaries)
    return Claim(
        job.id,
        job.attempt,
        spec,
        dataset,
        checkpoint,
        spent_s,
        tuple(metric_names),
        summaries,
        environment,
        job.task,
        tuple(job.warnings),
        job.memory_estimate,
        finish_after=job.finish_after_epochs,
        until_epoch=job.until_epoch,
        continued_from=job.continued_from,
        sweep_id=job.sweep_id,
        architecture=job.architecture,
        trace_context=job.trace_context,
        queue_wait=queue_wait,
    )


def _find_queued_time(session: Session, job: Job) -> datetime:
    """Return the time of the last transition of a job that waits: since then it has been waiting."""
    column = Transition.at
    return (
        session.scalar(select(func.max(column, type_=column.type)).where(Transition.job_id == job.id))
        or job.created_at
    )


def _charge_owner(session: Session, job: Job) -> float:
    """Charge the owner of a job what its attempt is expected to use, and return that."""
    if job.owner_id is None:
        return 0.0
    return charge_owner(session, job.owner_id, estimates.estimate_attempt(session, job), job.queue)


def _choose_last_epoch(job: Job, checkpoint: Checkpoint | None) -> int | None:
    """Return `finish_after_epochs` of an attempt: at least one if it begins with untrained weights."""
    if job.finish_after_epochs is None or checkpoint is not None:
        return job.finish_after_epochs
    return max(1, job.finish_after_epochs)


def _choose_environment(
    session: Session, job: Job, claimant: _Claimant, checkpoint: Checkpoint | None
) -> ExecutionEnvironment | None:
    if claimant.options is None:
        return None
    previous = None if checkpoint is None else job.ran_on
    return choose_execution_environment(
        session, job, claimant.options, worker_id=claimant.worker_id, previous=previous
    )


def _replace_summaries(session: Session, job_id: UUID, summaries: Mapping[str, MetricSummary]) -> None:
    session.execute(delete(JobMetric).where(JobMetric.job_id == job_id))
    rows = [{"job_id": job_id, "name": name, **asdict(summary)} for name, summary in summaries.items()]
    if rows:
        session.execute(insert(JobMetric), rows)


def _build_artifact_rows(session: Session, claim: Claim, artifacts: Iterable[StoredArtifact]) -> list[Artifact]:
    current_time = get_current_time(session)
    return [
        Artifact(
            job_id=claim.job_id,
            kind=artifact.kind,
            sha256=artifact.file.sha256,
            bytes=artifact.file.bytes,
            media_type=artifact.media_type,
            created_at=current_time,
        )
        for artifact in artifacts
    ]


def _build_fence(claim: Claim) -> tuple[Any, ...]:
    return (Job.id == claim.job_id, Job.attempt == claim.attempt, Job.state == JobState.RUNNING)


def _lock_running_job(session: Session, claim: Claim) -> Job:
    """Return the job, locked until the transaction ends."""
    job = session.scalar(select(Job).options(*WITHOUT_DOCUMENTS).where(*_build_fence(claim)).with_for_update())
    if job is None:
        raise _build_lease_lost(claim)
    return job


def _update_fenced(session: Session, claim: Claim, **values: Any) -> None:
    result = session.execute(
        update(Job).where(*_build_fence(claim)).values(**values),
        execution_options={"synchronize_session": False},
    )
    if not isinstance(result, CursorResult) or result.rowcount == 0:
        raise _build_lease_lost(claim)


def _build_lease_lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"This worker no longer holds attempt {claim.attempt} of job {claim.job_id}.")
