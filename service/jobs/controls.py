"""Operations on a job by its owner: change, cancel, pause, resume, finish, delete."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Checkpoint, Job, JobState, JobTag
from service.errors import Conflict, InvalidInput, NotFound
from service.history import change_log
from service.jobs import lifecycle
from service.jobs.insertion import build_tag_rows
from service.jobs.queries import WITHOUT_DOCUMENTS, lock_job
from service.queue import placement
from service.storage import file_references
from stackyard.spec import Fault, JobChanges

_IDLE_STATES = frozenset({JobState.QUEUED, JobState.PAUSED})
"""States that can still end and in which no worker holds the job."""
_FINISHING_STATES = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED})
"""States in which a request to finish the job is pending or fulfilled."""


def change_job(session: Session, job_id: UUID, changes: JobChanges) -> Job:
    """Change the name, the tags, the priority or `until_epoch` of a job, in its columns and in its spec.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job has ended, so that its priority and its `until_epoch` cannot be changed.
        InvalidInput: `until_epoch` is more than the epochs of the job.

    """
    given = changes.list_changed_fields()
    if "until_epoch" in given:
        set_until_epoch(session, job_id, changes.until_epoch)
        session.flush()
    job = lock_job(session, job_id)
    if "priority" in given and job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value}; its priority can no longer be changed.")
    spec = dict(job.spec)
    if "name" in given:
        job.name = spec["name"] = changes.name
    if "priority" in given:
        job.priority = changes.priority
        spec["run"] = spec["run"] | {"priority": changes.priority}
    if "tags" in given:
        spec["tags"] = list(changes.tags)
        session.execute(delete(JobTag).where(JobTag.job_id == job_id))
        session.add_all(build_tag_rows(job_id, changes.tags))
    job.spec = spec
    change_log.record_changes(session, [job_id])
    return job


def change_tags(session: Session, job_id: UUID, added: Sequence[str], removed: Sequence[str]) -> Job:
    """Add tags to a job, then remove tags from it; tags that it has or lacks already change nothing.

    Raises:
        NotFound: there is no job with this id.
        InvalidInput: the job would have more tags than are allowed.

    """
    spec_tags = lock_job(session, job_id).spec["tags"]
    tags = tuple(tag for tag in dict.fromkeys([*spec_tags, *added]) if tag not in removed)
    try:
        changes = JobChanges(tags=tags)
    except ValidationError as error:
        message = f"The job would have {len(tags)} tags: {error.errors()[0]['msg']}."
        raise InvalidInput((Fault(pointer="/add_tags", message=message),)) from None
    return change_job(session, job_id, changes)


def set_until_epoch(session: Session, job_id: UUID, until_epoch: int | None) -> Job:
    """Set the number of epochs after which the worker pauses the job; None lets it train to its end.

    A job that has paused at its `until_epoch` is queued again if the new number is higher than its epochs so far.
    A job that a client has paused stays paused. A running job that has trained more epochs pauses after the current
    one. The caller wakes the queue of the job if its state is `queued`.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job has ended.
        InvalidInput: the number is more than the epochs of the job.

    """
    job = lock_job(session, job_id)
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value}; its until_epoch can no longer be changed.")
    if until_epoch is not None and until_epoch > job.epochs:
        message = f"expected at most {job.epochs}, the epochs of the job; received {until_epoch}"
        raise InvalidInput((Fault(pointer="/until_epoch", message=message),))
    job.until_epoch = until_epoch
    job.spec = job.spec | {"run": job.spec["run"] | {"until_epoch": until_epoch}}
    change_log.record_changes(session, [job_id])
    is_held = job.state is JobState.PAUSED and (job.reason or {}).get("code") == lifecycle.UNTIL_EPOCH
    if is_held and not lifecycle.pauses_after(job, job.epochs_done):
        _queue_again(session, job, lifecycle.build_reason("until_epoch_raised", _describe_target(job)))
    return job


def cancel_job(session: Session, job_id: UUID) -> Job:
    """Cancel a job: at once if it waits or is paused, else as soon as its worker learns of it.

    Repeating the request changes nothing.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job ended before in another state.

    """
    job = lock_job(session, job_id, WITHOUT_DOCUMENTS)
    if job.state is JobState.RUNNING:
        job.cancel_requested = True
    elif job.state in _IDLE_STATES:
        reason = lifecycle.build_reason("cancelled", f"Cancelled {_describe_idle_phase(job)}.")
        lifecycle.transition_job(session, job_id, to_state=JobState.CANCELLED, from_states=[job.state], reason=reason)
    elif job.state is not JobState.CANCELLED:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be cancelled.")
    return job


def pause_job(session: Session, job_id: UUID) -> Job:
    """Pause a job: at once if it waits, else as soon as its worker has written a checkpoint.

    Repeating the request changes nothing.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job has ended, or is being cancelled or finished.

    """
    job = lock_job(session, job_id, WITHOUT_DOCUMENTS)
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be paused.")
    if job.state is JobState.RUNNING and job.cancel_requested:
        raise Conflict("cancel_requested", "The job is being cancelled and cannot be paused.")
    if job.finish_after_epochs is not None:
        raise Conflict("finish_requested", "The job is being finished and cannot be paused.")
    if job.state is JobState.RUNNING:
        job.pause_requested = True
    elif job.state is JobState.QUEUED:
        reason = lifecycle.build_reason("paused", "Paused while it waited.")
        lifecycle.transition_job(
            session, job_id, to_state=JobState.PAUSED, from_states=[JobState.QUEUED], reason=reason
        )
    return job


def resume_job(session: Session, job_id: UUID, until_epoch: int | None = None) -> Job:
    """Queue a paused job again, or withdraw the request to pause a running one.

    A number sets the `until_epoch` of the job, and a paused job that has trained so many epochs stays paused. Without
    a number, a job that has reached its `until_epoch` trains to its end. Repeating the request changes nothing.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job has ended.
        InvalidInput: `until_epoch` is more than the epochs of the job.

    """
    job = lock_job(session, job_id)
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be resumed.")
    job.pause_requested = False
    session.flush()
    has_reached = lifecycle.pauses_after(job, job.epochs_done)
    if until_epoch is not None or (job.state is JobState.PAUSED and has_reached):
        set_until_epoch(session, job_id, until_epoch)
    if job.state is JobState.PAUSED and not lifecycle.pauses_after(job, job.epochs_done):
        _queue_again(session, job, lifecycle.build_reason("resumed", "Resumed."))
    return job


def finish_job(session: Session, job_id: UUID) -> Job:
    """End the training of a job now and keep its model: the job is evaluated, and succeeds.

    A running job stops at its next step. A paused job, or one that waits again, is queued to finish from its
    checkpoint. If its worker is lost first, the next attempt trains again at least as far as the job was at the
    request. Repeating the request changes nothing.

    Raises:
        NotFound: there is no job with this id.
        Conflict: the job has ended, is being cancelled, or has not trained yet.

    """
    job = lock_job(session, job_id, WITHOUT_DOCUMENTS)
    if job.finish_after_epochs is not None and job.state in _FINISHING_STATES:
        return job
    if job.state in TERMINAL_STATES:
        raise Conflict("already_finished", f"The job has {job.state.value} and cannot be finished.")
    if job.cancel_requested:
        raise Conflict("cancel_requested", "The job is being cancelled and cannot be finished.")
    if job.state in _IDLE_STATES and not _has_trained(session, job):
        raise Conflict(
            "not_started", "The job has not trained yet, so it has no model. Finish it later, or cancel it."
        )
    job.finish_after_epochs, job.pause_requested = job.epochs_done, False
    if job.state is JobState.PAUSED:
        _queue_again(session, job, lifecycle.build_reason("finish_requested", "Queued again to finish."))
    return job


def delete_job(session: Session, job_id: UUID) -> None:
    """Delete a job with all its rows. A worker that runs it loses its lease.

    Its files are removed later, unless another job or dataset refers to them.

    Raises:
        NotFound: there is no job with this id.

    """
    # The lock holds off a worker that is about to add a reference to another file.
    if session.scalar(select(Job.id).where(Job.id == job_id).with_for_update()) is None:
        raise NotFound("job", job_id)
    delete_jobs(session, [job_id])


def delete_jobs(session: Session, job_ids: Sequence[UUID]) -> None:
    """Delete jobs whose rows are locked in this transaction, as `delete_job` does."""
    lifecycle.settle_deleted_attempts(session, job_ids)
    file_references.unreference_job_files(session, job_ids)
    change_log.record_changes(session, job_ids, deleted=True)
    session.execute(delete(Job).where(Job.id.in_(job_ids)))


def _has_trained(session: Session, job: Job) -> bool:
    """Return whether an earlier attempt at a job has trained, even if its work was lost."""
    return job.epochs_done > 0 or session.get(Checkpoint, job.id) is not None


def _queue_again(session: Session, job: Job, reason: dict[str, Any]) -> None:
    queue = placement.choose_queue(session, job.device)
    lifecycle.transition_job(
        session, job.id, to_state=JobState.QUEUED, from_states=[JobState.PAUSED], reason=reason, queue=queue
    )


def _describe_target(job: Job) -> str:
    """Return a sentence that says how far a job trains after its `until_epoch` was raised."""
    if job.until_epoch is None:
        return f"Queued again to train all {job.epochs} epochs."
    return f"Queued again to train up to {job.until_epoch} of {job.epochs} epochs."


def _describe_idle_phase(job: Job) -> str:
    """Return a clause that says when a job that no worker holds was cancelled."""
    if job.state is JobState.PAUSED:
        return "while it was paused"
    return "while it waited" if job.attempt else "before it started"
