"""Insertion of jobs, idempotent by the key of the request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Backend, Checkpoint, Dataset, Epoch, IdempotencyKey, Job, JobMetric, JobState, JobTag
from service.db.database import get_current_time, insert_if_absent
from service.db.ids import new_id
from service.errors import Conflict, NotFound
from service.jobs import estimates, lifecycle
from service.jobs.queries import WITHOUT_DOCUMENTS, get_job, lock_job
from service.jobs.validation import ValidatedSpec
from service.queue import placement
from service.storage import file_references
from service.storage.artifact_store import FileReference
from service.team import limits
from service.team.row_locks import keep_project
from service.team.session_scope import Ownership, get_ownership, scope_key

_MAX_BIG_INTEGER = 2**63 - 1
"""The largest number that a column of type BigInteger holds."""


@dataclass(frozen=True)
class Idempotency:
    """A client's idempotency key for a request, and the SHA-256 of the body that came with it."""

    key: str
    body_sha256: str


def find_earlier_job(session: Session, idempotency: Idempotency | None) -> Job | None:
    """Return the job that an earlier request with the same key created; None without one.

    Raises:
        Conflict: the idempotency key was used with another body.

    """
    key_row = None if idempotency is None else session.get(IdempotencyKey, scope_key(session, idempotency.key))
    if idempotency is None or key_row is None:
        return None
    if key_row.body_sha256 != idempotency.body_sha256:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used with another body; use a new key for a new job.",
        )
    return get_job(session, key_row.job_id)


def submit_job(session: Session, validated_spec: ValidatedSpec, idempotency: Idempotency | None = None) -> Job:
    """Insert a queued job, or return the job that an earlier request with the same key created.

    Raises:
        Conflict: the idempotency key was used with another body.
        NotFound: the dataset was deleted since the spec was checked.

    """
    earlier_job = find_earlier_job(session, idempotency)
    if earlier_job is not None:
        return earlier_job
    if idempotency is None:
        return insert_jobs(session, [validated_spec])[0]
    savepoint = session.begin_nested()
    [job] = insert_jobs(session, [validated_spec])
    if _insert_idempotency_key(session, idempotency, job):
        return job
    savepoint.rollback()  # another request with this key committed between our query and our insert
    return find_earlier_job(session, idempotency) or submit_job(session, validated_spec, idempotency)


def insert_jobs(session: Session, validated_specs: Sequence[ValidatedSpec]) -> list[Job]:
    """Insert a queued job for each spec.

    Raises:
        NotFound: a dataset was deleted since its spec was checked. The message may name the dataset of another spec.
            Or the job that one of them continues was deleted, or a project.
        Conflict: the checkpoint of that job was deleted.
        TooManyRequests: the owner would have too many waiting jobs. Jobs of sweeps are not refused.
        StorageLimitReached: the owner stores too many bytes, for other jobs than those of sweeps.

    """
    _check_limits(session, validated_specs)
    current_time = get_current_time(session)
    devices = dict.fromkeys(validated.spec.run.device for validated in validated_specs)
    queues = {device: placement.choose_queue(session, device) for device in devices}
    ownership = get_ownership(session)
    for project_id in sorted({validated.project_id or ownership.project_id for validated in validated_specs}):
        keep_project(session, project_id)
    for validated in validated_specs:
        _lock_test_dataset(session, validated)
    jobs = [
        _build_job_row(session, validated, ownership, queues[validated.spec.run.device], current_time)
        for validated in validated_specs
    ]
    session.add_all(jobs)
    try:
        session.flush()
    except IntegrityError:  # the dataset is the only foreign key; from here on, the database keeps the datasets
        raise NotFound("dataset", validated_specs[0].dataset.id) from None
    for job in jobs:
        if job.continued_from is not None:
            _copy_progress(session, job, job.continued_from)
    session.add_all(tag for job in jobs for tag in build_tag_rows(job.id, job.spec["tags"]))
    session.add_all(lifecycle.build_first_transition(job) for job in jobs)
    return jobs


def _check_limits(session: Session, validated_specs: Sequence[ValidatedSpec]) -> None:
    """Check the limits of the owner. A sweep starts no more trials than they allow, so its jobs pass."""
    owner_id = get_ownership(session).owner_id
    new_jobs = sum(validated.trial is None for validated in validated_specs)
    if owner_id is None or not new_jobs:
        return
    limits.check_queue_limit(session, owner_id, new_jobs)
    limits.check_storage_limit(session, owner_id)


def _lock_test_dataset(session: Session, validated: ValidatedSpec) -> None:
    """Keep the test dataset from being deleted until this transaction ends.

    Raises:
        NotFound: it was deleted since the spec was checked.

    """
    if validated.test_dataset is None:
        return
    dataset_id = validated.test_dataset.id
    query = select(Dataset.id).where(Dataset.id == dataset_id).with_for_update(read=True, key_share=True)
    if session.scalar(query) is None:
        raise NotFound("dataset", dataset_id)


def _build_job_row(
    session: Session, validated: ValidatedSpec, ownership: Ownership, queue: str, current_time: datetime
) -> Job:
    dataset, test_dataset, spec = validated.dataset, validated.test_dataset, validated.spec
    spec_json = spec.model_dump(mode="json")
    return Job(
        id=new_id(),
        project_id=validated.project_id or ownership.project_id,
        owner_id=ownership.owner_id,
        name=spec.name,
        spec=spec_json,
        spec_as_sent=None if validated.spec_as_sent == spec_json else validated.spec_as_sent,
        warnings=[warning.model_dump(mode="json") for warning in validated.warnings],
        state=JobState.QUEUED,
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        dataset_version=dataset.version,
        test_dataset_id=None if test_dataset is None else test_dataset.id,
        test_dataset_name=None if test_dataset is None else test_dataset.name,
        test_dataset_version=None if test_dataset is None else test_dataset.version,
        device=spec.run.device,
        queue=queue,
        backend=validated.backend or Backend(placement.choose_backend(session, spec, queue).name),
        priority=spec.run.priority,
        until_epoch=spec.run.until_epoch,
        attempt=0,
        lost_attempts=0,
        cancel_requested=False,
        epochs=spec.training.epochs,
        epochs_done=0,
        metric_names=[],
        architecture=estimates.compute_architecture_key(spec_json, dataset.name),
        task=validated.task.model_dump(mode="json"),
        step_flops=min(validated.step_flops, _MAX_BIG_INTEGER),
        memory_estimate=min(validated.memory_estimate, _MAX_BIG_INTEGER),
        retry_of=validated.retry_of,
        sweep_id=None if validated.trial is None else validated.trial.sweep_id,
        trial_number=None if validated.trial is None else validated.trial.number,
        repeat=None if validated.trial is None else validated.trial.repeat,
        continued_from=validated.continued_from,
        trace_context=validated.trace_context,
        created_at=current_time,
    )


def _copy_progress(session: Session, job: Job, source_id: UUID) -> None:
    """Let a new job begin where another one has ended: copy its epochs, its times, and the row of its checkpoint.

    Both rows then name the same file. While this transaction holds the other job, its checkpoint cannot be deleted.
    """
    source = lock_job(session, source_id, WITHOUT_DOCUMENTS)
    checkpoint = session.get(Checkpoint, source_id, populate_existing=True)
    if checkpoint is None or source.started_at is None or source.finished_at is None:
        raise Conflict("no_checkpoint", "The checkpoint of the job has just been deleted.")
    job.epochs_done, job.metric_names, job.ran_on = checkpoint.epoch, source.metric_names, source.ran_on
    job.spent_s = source.spent_s + (source.finished_at - source.started_at).total_seconds()
    columns = ("sha256", "bytes", "epoch", "step", "created_at")
    session.add(Checkpoint(job_id=job.id, attempt=0, **{name: getattr(checkpoint, name) for name in columns}))
    file_references.reference_files(session, [FileReference(checkpoint.sha256, checkpoint.bytes)])
    _copy_rows(session, Epoch, job.id, Epoch.job_id == source_id, Epoch.epoch < checkpoint.epoch)
    if checkpoint.epoch == source.epochs_done:
        _copy_rows(session, JobMetric, job.id, JobMetric.job_id == source_id)


def _copy_rows(
    session: Session, table: type[Epoch | JobMetric], job_id: UUID, *conditions: ColumnElement[bool]
) -> None:
    """Copy the rows of another job within the database, because a history may have many."""
    columns = [column for column in table.__table__.columns if column.name != "job_id"]
    rows = select(literal(job_id, Job.id.type), *columns).where(*conditions)
    session.execute(insert(table).from_select(["job_id", *(column.name for column in columns)], rows))


def build_tag_rows(job_id: UUID, tags: Iterable[str]) -> list[JobTag]:
    """Return a row for each different tag, in their order."""
    return [JobTag(job_id=job_id, tag=tag) for tag in dict.fromkeys(tags)]


def _insert_idempotency_key(session: Session, idempotency: Idempotency, job: Job) -> bool:
    values = {
        "key": scope_key(session, idempotency.key),
        "body_sha256": idempotency.body_sha256,
        "job_id": job.id,
        "created_at": job.created_at,
    }
    return insert_if_absent(session, IdempotencyKey, values)
