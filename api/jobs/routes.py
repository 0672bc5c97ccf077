"""Jobs: submit, look, change, cancel, pause, resume, retry, delete."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from api.app_state import IntakeDep, SessionsDep, SettingsDep, WakerDep
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody
from api.http.validation import ONE_LINE
from api.jobs.schemas import JobPage, JobSummaryView, JobView
from models import JobState
from service.jobs import job_read_model, jobs
from service.jobs.job_read_model import JobDetails
from service.jobs.jobs import JobFilter
from stackyard.spec import parse_changes

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES)

MAX_PAGE = 200
Text = Annotated[str, Query(max_length=200, pattern=ONE_LINE)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=ONE_LINE)]


def _filter(
    state: Annotated[list[JobState] | None, Query()] = None,
    tag: Annotated[list[Text] | None, Query()] = None,
    name: Annotated[Text | None, Query()] = None,
    dataset: Annotated[Text | None, Query()] = None,
    created_after: Annotated[datetime | None, Query()] = None,
    created_before: Annotated[datetime | None, Query()] = None,
) -> JobFilter:
    return JobFilter(
        states=state or (),
        tags=tag or (),
        name=name,
        dataset=dataset,
        created_after=created_after,
        created_before=created_before,
    )


@router.post("", status_code=201, response_model=JobView, openapi_extra=openapi.SPEC_BODY)
def submit_job(body: JsonBody, intake: IntakeDep, key: IdempotencyKey = None) -> Response:
    """Queue a job. With an `Idempotency-Key`, a repeat of the request gets the job that the first one made."""
    return _submitted(intake.submit(body, key))


@router.get("")
def list_jobs(
    sessions: SessionsDep,
    wanted: Annotated[JobFilter, Depends(_filter)],
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> JobPage:
    """List jobs, newest first. `state` and `tag` may be repeated: any of the states, all of the tags."""
    with sessions.read() as session:
        page = jobs.find(session, wanted, limit=limit, cursor=cursor)
        found = job_read_model.gather(session, page.items)
    return JobPage(items=[JobSummaryView.of(job) for job in found], next=page.next)


@router.get("/{job_id}")
def get_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Tell all there is to tell about a job."""
    with sessions.read() as session:
        return JobView.of(job_read_model.gather(session, [jobs.get(session, job_id)])[0])


@router.patch("/{job_id}", openapi_extra=openapi.CHANGES_BODY)
def change_job(job_id: UUID, body: JsonBody, sessions: SessionsDep, settings: SettingsDep) -> JobView:
    """Give a job another name, other tags or, while it has not ended, another priority."""
    changes = parse_changes(body, settings.limits)
    with sessions.begin() as session:
        jobs.change(session, job_id, changes)
    return get_job(job_id, sessions)


@router.post("/{job_id}/cancel", status_code=202)
def cancel_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Stop a job: at once while it waits or is paused, else within a second or so. A repeat changes nothing."""
    with sessions.begin() as session:
        jobs.cancel(session, job_id)
    return get_job(job_id, sessions)


@router.post("/{job_id}/pause", status_code=202)
def pause_job(job_id: UUID, sessions: SessionsDep) -> JobView:
    """Put a job aside: at once while it waits, else once a checkpoint is written. A repeat changes nothing."""
    with sessions.begin() as session:
        jobs.pause(session, job_id)
    return get_job(job_id, sessions)


@router.post("/{job_id}/resume", status_code=202)
def resume_job(job_id: UUID, sessions: SessionsDep, waker: WakerDep) -> JobView:
    """Queue a paused job again, to go on from its checkpoint. A repeat changes nothing.

    Where the job is about to be paused, that wish is taken back.
    """
    with sessions.begin() as session:
        queue = jobs.resume(session, job_id).queue
    waker.wake(queue, 1)
    return get_job(job_id, sessions)


@router.post("/{job_id}/retry", status_code=201, response_model=JobView)
def retry_job(job_id: UUID, intake: IntakeDep, key: IdempotencyKey = None) -> Response:
    """Queue a new job with the spec, the seed and the dataset of one that has ended.

    With an `Idempotency-Key`, a repeat of the request gets the job that the first one made.
    """
    return _submitted(intake.retry(job_id, key))


@router.delete("/{job_id}", status_code=204)
def delete_job(job_id: UUID, sessions: SessionsDep) -> None:
    """Delete a job, its history and its artifacts, whatever state it is in."""
    with sessions.begin() as session:
        jobs.remove(session, job_id)


def _submitted(told: JobDetails) -> Response:
    """The answer to a submit, written here and not by FastAPI, which would have another thread do it."""
    content = JobView.of(told).model_dump_json(by_alias=True)
    headers = {"Location": f"/v1/jobs/{told.job.id}"}
    return Response(content, 201, headers=headers, media_type="application/json")
