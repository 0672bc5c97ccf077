"""Route that does one thing to many jobs. Each job has its own transaction, and its own result."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.access.authorization import PrincipalDep, check_role
from api.app_state import JobSubmitterDep, QueueNotifierDep, RefusalRecorderDep, SessionsDep
from api.audit.refusal_recorder import RefusalRecorder
from api.http import openapi
from api.http.problem_documents import RESPONSES, ProblemView, build_problem
from api.http.request_body import JsonBody, parse_body
from api.jobs.routes import IdempotencyKey
from api.jobs.schemas import JobSummaryView
from models import Job, JobState, ProjectRole
from service.db.database import SessionFactory
from service.errors import ServiceError
from service.jobs import controls, job_read_model, queries
from service.jobs.submission import JobSubmitter
from service.queue.queue_notifier import QueueNotifier
from service.team.audit.recording import audit_sessions
from service.team.principal import Principal
from stackyard.spec import SpecError
from stackyard.spec.base import JsonArray, SpecModel
from stackyard.spec.job import Tag

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=RESPONSES)

_MAX_JOBS = 200
_MAX_TAGS = 50

JobAction = Literal["cancel", "pause", "resume", "finish", "retry", "delete", "tag"]
_SINGLE_ACTIONS: Mapping[JobAction, str] = {
    "cancel": "POST /v1/jobs/{job_id}/cancel",
    "pause": "POST /v1/jobs/{job_id}/pause",
    "resume": "POST /v1/jobs/{job_id}/resume",
    "finish": "POST /v1/jobs/{job_id}/finish",
    "retry": "POST /v1/jobs/{job_id}/retry",
    "delete": "DELETE /v1/jobs/{job_id}",
    "tag": "PATCH /v1/jobs/{job_id}",
}
"""The request that does the same to a single job. The audit records it, so that one search finds both."""


class JobActionRequest(SpecModel):
    """An action, the jobs that it applies to and, for `tag`, the tags to add and to remove."""

    action: JobAction
    ids: Annotated[JsonArray[Annotated[UUID, Field(strict=False)]], Field(min_length=1, max_length=_MAX_JOBS)]
    add_tags: Annotated[JsonArray[Tag], Field(max_length=_MAX_TAGS)] = ()
    remove_tags: Annotated[JsonArray[Tag], Field(max_length=_MAX_TAGS)] = ()

    @model_validator(mode="after")
    def _check_tags(self) -> "JobActionRequest":
        has_tags = bool(self.add_tags or self.remove_tags)
        if has_tags and self.action != "tag":
            raise _build_error("add_tags and remove_tags belong to the action tag")
        if self.action == "tag" and not has_tags:
            raise _build_error("the action tag needs add_tags or remove_tags")
        return self


def _build_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("invalid", "{message}", {"message": message})


class JobActionResult(BaseModel):
    """The result for one job: the job afterwards, or the problem. A deleted job is null, and a retried one is new."""

    id: UUID
    ok: bool
    problem: ProblemView | None = None
    job: JobSummaryView | None = None


class JobActionResults(BaseModel):
    """One result for each id of the request, in its order."""

    results: list[JobActionResult]


_BODY = openapi.build_body(
    JobActionRequest,
    {"action": "tag", "ids": ["01934f8e-6f5a-7cc3-9d3e-0d2a7c0f6b11"], "add_tags": ["night"]},
)


@router.post("/actions", openapi_extra=_BODY)
def act_on_jobs(
    body: JsonBody,
    sessions: SessionsDep,
    submitter: JobSubmitterDep,
    principal: PrincipalDep,
    queue_notifier: QueueNotifierDep,
    refusals: RefusalRecorderDep,
    key: IdempotencyKey = None,
) -> JobActionResults:
    """Cancel, pause, resume, finish, retry, delete or tag up to 200 jobs. A job that refuses holds up no other.

    The status is 200 even if all jobs refuse; `ok` and `problem` tell for each. With an `Idempotency-Key`, a repeated
    request retries no job twice.
    """
    request = parse_body(JobActionRequest, body)
    executor = _ActionExecutor(request, principal, sessions, submitter, queue_notifier, refusals, key)
    return JobActionResults(results=[executor.audit(job_id).execute(job_id) for job_id in dict.fromkeys(request.ids)])


@dataclass(frozen=True)
class _ActionExecutor:
    """Applies the action of a request to one job after the other."""

    request: JobActionRequest
    principal: Principal
    sessions: SessionFactory
    submitter: JobSubmitter
    queue_notifier: QueueNotifier
    refusals: RefusalRecorder
    key: str | None

    def audit(self, job_id: UUID) -> "_ActionExecutor":
        """Return an executor that records its action on a job as the request for this job alone."""
        if self.principal.audit is None:
            return self
        request = self.principal.audit.narrow(job_id, action=_SINGLE_ACTIONS[self.request.action])
        principal = replace(self.principal, audit=request)
        return replace(self, principal=principal, sessions=audit_sessions(self.sessions, request))

    def execute(self, job_id: UUID) -> JobActionResult:
        """Apply the action to a job, and return its result."""
        actions: Mapping[JobAction, Callable[[UUID], UUID | None]] = {
            "cancel": self._cancel,
            "pause": self._pause,
            "resume": self._resume,
            "finish": self._finish,
            "retry": self._retry,
            "delete": self._delete,
            "tag": self._tag,
        }
        try:
            self._check_role(job_id)
            changed_id = actions[self.request.action](job_id)
            return JobActionResult(id=job_id, ok=True, job=None if changed_id is None else self._load(changed_id))
        except (ServiceError, SpecError) as error:
            problem = build_problem(error)
            self._record_refusal(problem)
            return JobActionResult(id=job_id, ok=False, problem=problem)

    def _check_role(self, job_id: UUID) -> None:
        """Check that the principal may change a job that they see.

        Raises:
            NotFound: the principal sees no such job.
            Forbidden: they may only read it.

        """
        if self.principal.visible_projects is None:
            return
        with self.sessions.read() as session:
            project_id = queries.get_job_columns(session, job_id, Job.project_id).project_id
        check_role(self.principal, project_id, ProjectRole.EDITOR)

    def _record_refusal(self, problem: ProblemView) -> None:
        request = self.principal.audit
        if request is not None and not request.is_recorded:
            self.refusals.record(request, problem.status, problem.code)

    def _cancel(self, job_id: UUID) -> UUID:
        with self.sessions.begin() as session:
            return controls.cancel_job(session, job_id).id

    def _pause(self, job_id: UUID) -> UUID:
        with self.sessions.begin() as session:
            return controls.pause_job(session, job_id).id

    def _resume(self, job_id: UUID) -> UUID:
        with self.sessions.begin() as session:
            queue = controls.resume_job(session, job_id).queue
        self.queue_notifier.notify_queue(queue, 1)
        return job_id

    def _finish(self, job_id: UUID) -> UUID:
        with self.sessions.begin() as session:
            job = controls.finish_job(session, job_id)
            waiting_queue = job.queue if job.state is JobState.QUEUED else None
        if waiting_queue is not None:
            self.queue_notifier.notify_queue(waiting_queue, 1)
        return job_id

    def _retry(self, job_id: UUID) -> UUID:
        key = None if self.key is None else hashlib.sha256(f"{self.key} {job_id}".encode()).hexdigest()
        return self.submitter.retry(job_id, key, self.principal).job.id

    def _delete(self, job_id: UUID) -> None:
        with self.sessions.begin() as session:
            controls.delete_job(session, job_id)

    def _tag(self, job_id: UUID) -> UUID:
        with self.sessions.begin() as session:
            return controls.change_tags(session, job_id, self.request.add_tags, self.request.remove_tags).id

    def _load(self, job_id: UUID) -> JobSummaryView:
        with self.sessions.read() as session:
            job = queries.get_job(session, job_id, queries.WITHOUT_DOCUMENTS)
            return JobSummaryView.of(job_read_model.load_listed_job_details(session, [job])[0])
