"""Routes of `/v1/jobs`: submit, get, change, cancel, pause, resume, finish, retry, continue and delete jobs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from api.access.authorization import PrincipalDep
from api.app_state import JobSubmitterDep, QueueNotifierDep, SessionsDep, SettingsDep
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody, OptionalJsonBody
from api.http.validation import ONE_LINE
from api.jobs.schemas import JobView, SpecView
from models import Job, JobState
from service.db.database import SessionFactory
from service.jobs import controls, job_read_model, queries
from service.jobs.job_read_model import JobDetails
from stackyard.spec import parse_job_changes, parse_job_continuation, parse_job_resumption

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES)

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=ONE_LINE)]


@router.post("", status_code=201, response_model=JobView, openapi_extra=openapi.SPEC_BODY)
def submit_job(
    body: JsonBody, submitter: JobSubmitterDep, principal: PrincipalDep, key: IdempotencyKey = None
) -> Response:
    """Submit a job. With an `Idempotency-Key`, a repeated request returns the job of the first one."""
    return _respond_created(submitter.submit(body, key, principal))


@router.get("/{job_id}")
def get_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Get a job with its progress, metrics, transitions, evaluation, warnings and spec."""
    return _load_job_view(sessions, job_id)


@router.get("/{job_id}/spec")
def get_spec(job_id: UUID, sessions: SessionsDep) -> SpecView:
    """Get the spec of a job, with every default and its seed, and as the client sent it."""
    with sessions.read() as session:
        row = queries.get_job_columns(session, job_id, Job.spec, Job.spec_as_sent)
    return SpecView(spec=row.spec, as_sent=row.spec_as_sent)


@router.patch("/{job_id}", openapi_extra=openapi.CHANGES_BODY)
def change_job(
    job_id: UUID, body: JsonBody, sessions: SessionsDep, settings: SettingsDep, queue_notifier: QueueNotifierDep
) -> JobView:
    """Change the name, the tags, the priority or `until_epoch` of a job. The last two cannot change after its end.

    A job that has paused at its `until_epoch` is queued again if the new number is higher, or null.
    """
    changes = parse_job_changes(body, settings.limits)
    with sessions.begin() as session:
        job = controls.change_job(session, job_id, changes)
        raised_queue = (
            job.queue if "until_epoch" in changes.model_fields_set and job.state is JobState.QUEUED else None
        )
    if raised_queue is not None:
        queue_notifier.notify_queue(raised_queue, 1)
    return _load_job_view(sessions, job_id)


@router.post("/{job_id}/cancel", status_code=202)
def cancel_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Cancel a job. A waiting or paused job stops at once, a running one soon after. A repeat changes nothing."""
    with sessions.begin() as session:
        controls.cancel_job(session, job_id)
    return _load_job_view(sessions, job_id)


@router.post("/{job_id}/pause", status_code=202)
def pause_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Pause a job: at once if it waits, else after the next checkpoint. A repeat changes nothing."""
    with sessions.begin() as session:
        controls.pause_job(session, job_id)
    return _load_job_view(sessions, job_id)


@router.post("/{job_id}/resume", status_code=202, openapi_extra=openapi.RESUMPTION_BODY)
def resume_job(
    job_id: UUID,
    body: OptionalJsonBody,
    sessions: SessionsDep,
    settings: SettingsDep,
    queue_notifier: QueueNotifierDep,
) -> JobView:
    """Queue a paused job again, to continue from its checkpoint. A repeat changes nothing.

    If the job still runs, a requested pause is withdrawn. With `until_epoch` in the body, the job pauses again after
    that epoch. Without it, a job that has paused at its `until_epoch` trains to its end.
    """
    until_epoch = parse_job_resumption(body, settings.limits).until_epoch
    with sessions.begin() as session:
        queue = controls.resume_job(session, job_id, until_epoch).queue
    queue_notifier.notify_queue(queue, 1)
    return _load_job_view(sessions, job_id)


@router.post("/{job_id}/finish", status_code=202)
def finish_job(job_id: UUID, sessions: SessionsDep, queue_notifier: QueueNotifierDep) -> JobView:
    """Stop the training now and keep the model: the job is evaluated and succeeds. A repeat changes nothing.

    A running job stops at its next step. A paused job is queued to finish from its checkpoint. A job that has not
    trained yet has no model to keep: 409.
    """
    with sessions.begin() as session:
        job = controls.finish_job(session, job_id)
        waiting_queue = job.queue if job.state is JobState.QUEUED else None
    if waiting_queue is not None:
        queue_notifier.notify_queue(waiting_queue, 1)
    return _load_job_view(sessions, job_id)


@router.post("/{job_id}/retry", status_code=201, response_model=JobView)
def retry_job(
    job_id: UUID, submitter: JobSubmitterDep, principal: PrincipalDep, key: IdempotencyKey = None
) -> Response:
    """Submit a new job with the spec, the seed and the dataset of a job that has ended.

    With an `Idempotency-Key`, a repeated request returns the job of the first one.
    """
    return _respond_created(submitter.retry(job_id, key, principal))


@router.post("/{job_id}/continue", status_code=201, response_model=JobView, openapi_extra=openapi.CONTINUATION_BODY)
def continue_job(
    job_id: UUID,
    body: JsonBody,
    submitter: JobSubmitterDep,
    settings: SettingsDep,
    principal: PrincipalDep,
    key: IdempotencyKey = None,
) -> Response:
    """Submit a new job that trains a succeeded one further, up to `epochs` in all.

    Its history and its model equal those of an uninterrupted training of so many epochs. With an `Idempotency-Key`, a
    repeated request returns the job of the first one.
    """
    epochs = parse_job_continuation(body, settings.limits).epochs
    return _respond_created(submitter.continue_training(job_id, epochs, key, principal))


@router.delete("/{job_id}", status_code=204)
def delete_job(job_id: UUID, sessions: SessionsDep) -> None:
    """Delete a job, its history and its artifacts, in any state."""
    with sessions.begin() as session:
        controls.delete_job(session, job_id)


def _load_job_view(sessions: SessionFactory, job_id: UUID) -> JobView:
    with sessions.read() as session:
        return JobView.of(job_read_model.load_job_details(session, [queries.get_job(session, job_id)])[0])


def _respond_created(details: JobDetails) -> Response:
    """Return the response to a submit. It is serialized here, because FastAPI would use another thread for it."""
    content = JobView.of(details).model_dump_json(by_alias=True)
    headers = {"Location": f"/v1/jobs/{details.job.id}"}
    return Response(content, 201, headers=headers, media_type="application/json")
