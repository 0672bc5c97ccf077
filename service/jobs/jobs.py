"""Jobs as their owners see them: submit, find, change, cancel, pause, resume, retry, delete."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from models import TERMINAL_STATES, Dataset, IdempotencyKey, Job, JobState, JobTag
from service.datasets import catalog
from service.db import pagination
from service.db.database import insert_if_absent, now
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import Conflict, NotFound
from service.jobs import estimates, lifecycle
from service.queue import placement
from service.storage import file_references
from stackyard.spec import Advice, JobChanges, JobSpec, Limits, Task, check

_SEED_BITS = 32
"""`keras.utils.set_random_seed` takes NumPy's seeds: 32 bits."""
_MAX_BIG_INTEGER = 2**63 - 1
"""The largest number that a column of type BigInteger holds."""
_IDLE = frozenset({JobState.QUEUED, JobState.PAUSED})
"""States in which no worker has the job."""

# Made once, because every submit asks them, and to make them takes longer than to ask them.
_QUEUED = (Job.state == JobState.QUEUED, Job.queue == bindparam("queue"))
_HIGHER = Job.priority > bindparam("priority")
_EQUAL = Job.priority == bindparam("priority")
_AHEAD = select(func.count()).where(*_QUEUED, or_(_HIGHER, and_(_EQUAL, Job.id < bindparam("first"))))
_BY_QUEUE = select(Job.queue, func.count().label("number")).where(Job.state == bindparam("state")).group_by(Job.queue)
_ALIKE = select(Job.id).where(*_QUEUED, _EQUAL, Job.id.between(bindparam("first"), bindparam("last"))).order_by(Job.id)


@dataclass(frozen=True)
class Checked:
    """A spec that was found right, every default and its seed filled in, the dataset that it means, and warnings.

    `task`, `step_flops` (floating-point operations) and `memory_estimate` (bytes) are those of the check's report.
    `retry_of` is the job that it repeats, if it repeats one.
    """

    spec: JobSpec
    dataset: Dataset
    task: Task
    step_flops: int
    memory_estimate: int
    warnings: tuple[Advice, ...] = ()
    retry_of: UUID | None = None


@dataclass(frozen=True)
class Idempotency:
    """A client's key for a request, and the SHA-256 of the body that came with it."""

    key: str
    body_sha256: str


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list shows; what is None or empty does not narrow it."""

    states: Sequence[JobState] = ()
    tags: Sequence[str] = ()
    name: str | None = None
    dataset: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def examine(spec: JobSpec, dataset: Dataset, limits: Limits) -> Checked:
    """Hold a spec against the dataset that it names, before anything is written.

    Raises:
        SpecError: every fault of the spec, each at its place.

    """
    report = check(spec, catalog.description(dataset), limits)
    return Checked(
        _with_seed(report.spec),
        dataset,
        report.task,
        report.step_flops,
        report.memory.total_bytes,
        report.warnings,
    )


def examine_again(session: Session, job_id: UUID, limits: Limits) -> Checked:
    """Hold the spec of a job that has ended against the dataset that it had, and the limits of today.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has not ended yet, or its dataset was deleted.
        SpecError: it asks for more than the limits allow now.

    """
    job = get(session, job_id)
    if job.state not in TERMINAL_STATES:
        raise Conflict("not_finished", f"The job is {job.state.value}; only one that has ended can be retried.")
    dataset = None if job.dataset_id is None else session.get(Dataset, job.dataset_id)
    if dataset is None:
        told = f"The dataset {job.dataset_name}, version {job.dataset_version}, was deleted."
        raise Conflict("dataset_deleted", told)
    return replace(examine(JobSpec.model_validate(job.spec), dataset, limits), retry_of=job.id)


def earlier(session: Session, idempotency: Idempotency | None) -> Job | None:
    """The job that the same request made before, if it was made before.

    Raises:
        Conflict: the idempotency key was used with another body.

    """
    used = None if idempotency is None else session.get(IdempotencyKey, idempotency.key)
    if idempotency is None or used is None:
        return None
    if used.body_sha256 != idempotency.body_sha256:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used with another body; use a new key for a new job.",
        )
    return get(session, used.job_id)


def submit(session: Session, checked: Checked, idempotency: Idempotency | None = None) -> Job:
    """Queue a job, or find the one that the same request made before.

    Raises:
        Conflict: the idempotency key was used with another body.
        NotFound: the dataset was deleted since the spec was checked.

    """
    made = earlier(session, idempotency)
    if made is not None:
        return made
    if idempotency is None:
        return insert(session, [checked])[0]
    savepoint = session.begin_nested()
    [job] = insert(session, [checked])
    if _claim_key(session, idempotency, job):
        return job
    savepoint.rollback()  # another request with this key committed between our look and our insert
    return earlier(session, idempotency) or submit(session, checked, idempotency)


def insert(session: Session, checked: Sequence[Checked]) -> list[Job]:
    """Queue a job for each.

    Raises:
        NotFound: a dataset was deleted since its spec was checked. The message may name another's of them.

    """
    moment = now(session)
    specs = {one.spec.run.device: one.spec for one in checked}
    queues = {device: placement.queue_for(session, spec.run.device) for device, spec in specs.items()}
    made = [_made(one, queues[one.spec.run.device], moment) for one in checked]
    session.add_all(made)
    try:
        session.flush()
    except IntegrityError:  # their only foreign key; while the transaction lasts, the database keeps the datasets
        raise NotFound("dataset", checked[0].dataset.id) from None
    session.add_all(tag for job in made for tag in _tags(job.id, job.spec["tags"]))
    session.add_all(lifecycle.first(job) for job in made)
    return made


def get(session: Session, job_id: UUID) -> Job:
    """The job.

    Raises:
        NotFound: there is none with this id.

    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound("job", job_id)
    return job


def find(session: Session, wanted: JobFilter, *, limit: int, cursor: str | None) -> Page[Job]:
    """A page of the jobs that `wanted` describes, newest first.

    Raises:
        Invalid: the cursor is not one that was given out.

    """
    return pagination.fetch(session, _filtered(wanted), Job.id, limit=limit, cursor=cursor)


def queue_positions(session: Session, found: Sequence[Job]) -> dict[UUID, int]:
    """For those of the jobs that wait, how many others their queue will give out before them."""
    waiting = sorted((job for job in found if job.state is JobState.QUEUED), key=lambda job: job.id)
    if len({(job.queue, job.priority) for job in waiting}) <= 1:
        return _neighbours(session, waiting)
    # Numbered with their whole queues, which takes one statement, though a longer one.
    place = func.row_number().over(partition_by=Job.queue, order_by=(Job.priority.desc(), Job.id)) - 1
    queue = select(Job.id, place.label("place")).where(Job.state == JobState.QUEUED).subquery()
    rows = session.execute(select(queue.c.id, queue.c.place).where(queue.c.id.in_(job.id for job in waiting)))
    return {row.id: row.place for row in rows}


def by_queue(session: Session, state: JobState) -> dict[str, int]:
    """How many jobs of each queue are in a state; queues of which none is are not named."""
    return {row.queue: int(row.number) for row in session.execute(_BY_QUEUE, {"state": state})}


def change(session: Session, job_id: UUID, changes: JobChanges) -> Job:
    """Give a job another name, other tags or another priority; its spec says so, too.

    Raises:
        NotFound: there is none with this id.
        Conflict: it has ended, and has no priority any more.

    """
    job = _locked(session, job_id)
    given = changes.given()
    if "priority" in given and job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value}; its priority means nothing any more.")
    spec = dict(job.spec)
    if "name" in given:
        job.name = spec["name"] = changes.name
    if "priority" in given:
        job.priority = changes.priority
        spec["run"] = spec["run"] | {"priority": changes.priority}
    if "tags" in given:
        spec["tags"] = list(changes.tags)
        session.execute(delete(JobTag).where(JobTag.job_id == job_id))
        session.add_all(_tags(job_id, changes.tags))
    job.spec = spec
    return job


def cancel(session: Session, job_id: UUID) -> Job:
    """Stop a job: at once if it waits or is paused, else as soon as its worker hears of it. A repeat changes nothing.

    Raises:
        NotFound: there is none with this id.
        Conflict: it ended before in another way.

    """
    job = _locked(session, job_id)
    if job.state is JobState.RUNNING:
        job.cancel_requested = True
    elif job.state in _IDLE:
        why = lifecycle.reason("cancelled", f"Cancelled {_when(job)}.")
        lifecycle.move(session, job_id, to=JobState.CANCELLED, from_=[job.state], why=why)
    elif job.state is not JobState.CANCELLED:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be cancelled.")
    return job


def pause(session: Session, job_id: UUID) -> Job:
    """Put a job aside: at once if it waits, else once its worker has written a checkpoint. A repeat changes nothing.

    Raises:
        NotFound: there is none with this id.
        Conflict: it has ended, or is being cancelled.

    """
    job = _locked(session, job_id)
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be paused.")
    if job.state is JobState.RUNNING and job.cancel_requested:
        raise Conflict("cancel_requested", "The job is being cancelled and cannot be paused.")
    if job.state is JobState.RUNNING:
        job.pause_requested = True
    elif job.state is JobState.QUEUED:
        why = lifecycle.reason("paused", "Paused while it waited.")
        lifecycle.move(session, job_id, to=JobState.PAUSED, from_=[JobState.QUEUED], why=why)
    return job


def resume(session: Session, job_id: UUID) -> Job:
    """Queue a paused job again, or take back the wish that a running one be paused. A repeat changes nothing.

    Raises:
        NotFound: there is none with this id.
        Conflict: it has ended.

    """
    job = _locked(session, job_id)
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be resumed.")
    job.pause_requested = False
    if job.state is JobState.PAUSED:
        why, queue = lifecycle.reason("resumed", "Resumed."), placement.queue_for(session, job.device)
        lifecycle.move(session, job_id, to=JobState.QUEUED, from_=[JobState.PAUSED], why=why, queue=queue)
    return job


def remove(session: Session, job_id: UUID) -> None:
    """Delete a job with all its rows; a worker that runs it loses its lease. Its files go later, unless shared.

    Raises:
        NotFound: there is none with this id.

    """
    # The lock holds off a worker that is about to name another file.
    if session.scalar(select(Job.id).where(Job.id == job_id).with_for_update()) is None:
        raise NotFound("job", job_id)
    remove_all(session, [job_id])


def remove_all(session: Session, job_ids: Sequence[UUID]) -> None:
    """Delete jobs whose rows are locked in this transaction, as `remove` does."""
    file_references.discard_of_jobs(session, job_ids)
    session.execute(delete(Job).where(Job.id.in_(job_ids)))


def _neighbours(session: Session, waiting: Sequence[Job]) -> dict[UUID, int]:
    """The places of jobs of one queue and priority, ascending: counted along the index up to the first of them."""
    if not waiting:
        return {}
    first, last = waiting[0], waiting[-1]
    where = {"queue": first.queue, "priority": first.priority, "first": first.id}
    ahead = session.scalar(_AHEAD, where) or 0
    if first is last:
        return {first.id: ahead}
    places = {
        job_id: ahead + number for number, job_id in enumerate(session.scalars(_ALIKE, where | {"last": last.id}))
    }
    return {job.id: places[job.id] for job in waiting if job.id in places}


def _locked(session: Session, job_id: UUID) -> Job:
    """The job, as nobody changes it until the transaction ends.

    Raises:
        NotFound: there is none with this id.

    """
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound("job", job_id)
    return job


def _when(job: Job) -> str:
    """At which time of its life a job is that no worker has."""
    if job.state is JobState.PAUSED:
        return "while it was paused"
    return "while it waited" if job.attempt else "before it started"


def _with_seed(spec: JobSpec) -> JobSpec:
    if spec.training.seed is not None:
        return spec
    training = spec.training.model_copy(update={"seed": secrets.randbits(_SEED_BITS)})
    return spec.model_copy(update={"training": training})


def _made(checked: Checked, queue: str, moment: datetime) -> Job:
    dataset, spec = checked.dataset, checked.spec
    document = spec.model_dump(mode="json")
    return Job(
        id=new_id(),
        name=spec.name,
        spec=document,
        warnings=[warning.model_dump(mode="json") for warning in checked.warnings],
        state=JobState.QUEUED,
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        dataset_version=dataset.version,
        device=spec.run.device,
        queue=queue,
        priority=spec.run.priority,
        attempt=0,
        lost_attempts=0,
        cancel_requested=False,
        epochs=spec.training.epochs,
        epochs_done=0,
        metric_names=[],
        architecture=estimates.architecture(document, dataset.name),
        task=checked.task.model_dump(mode="json"),
        step_flops=min(checked.step_flops, _MAX_BIG_INTEGER),
        memory_estimate=min(checked.memory_estimate, _MAX_BIG_INTEGER),
        retry_of=checked.retry_of,
        created_at=moment,
    )


def _tags(job_id: UUID, tags: Iterable[str]) -> list[JobTag]:
    return [JobTag(job_id=job_id, tag=tag) for tag in dict.fromkeys(tags)]


def _claim_key(session: Session, idempotency: Idempotency, job: Job) -> bool:
    values = {
        "key": idempotency.key,
        "body_sha256": idempotency.body_sha256,
        "job_id": job.id,
        "created_at": job.created_at,
    }
    return insert_if_absent(session, IdempotencyKey, values)


def _filtered(wanted: JobFilter) -> Select[Job]:
    # Each may have tens of kilobytes, and no list shows them.
    query = select(Job).options(defer(Job.evaluation), defer(Job.task))
    if wanted.states:
        query = query.where(Job.state.in_(wanted.states))
    for tag in wanted.tags:
        query = query.where(select(JobTag).where(JobTag.job_id == Job.id, JobTag.tag == tag).exists())
    if wanted.name is not None:
        query = query.where(Job.name == wanted.name)
    if wanted.dataset is not None:
        query = query.where(Job.dataset_name == wanted.dataset)
    if wanted.created_after is not None:
        query = query.where(Job.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        query = query.where(Job.created_at < wanted.created_before)
    return query
