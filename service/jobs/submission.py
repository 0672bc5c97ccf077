"""Submit jobs: concurrent requests share one transaction and its cost."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Dataset, Job, JobState
from service.datasets import catalog
from service.db.database import SessionFactory
from service.errors import ServiceError
from service.jobs import insertion, job_read_model, validation
from service.jobs.batching import BatchExecutor
from service.jobs.insertion import Idempotency
from service.jobs.job_read_model import JobDetails
from service.jobs.validation import ValidatedSpec
from service.jobs.wait_reasons import WaitCode
from service.queue.queue_notifier import QueueNotifier
from service.team.audit import recording
from service.team.audit.audited_request import AuditedRequest
from service.team.principal import IMPLICIT_ADMIN, Principal
from service.team.session_scope import restrict_sessions
from service.tracing import read_trace_context
from stackyard.spec import JobSpec, Limits, parse_spec

_MAX_BATCH_SIZE = 64
"""Submits in one transaction: more than the API has threads."""


@dataclass(frozen=True)
class _Submission:
    """A parsed spec, who submits it, and the idempotency key that came with it."""

    principal: Principal
    spec: JobSpec
    document: dict[str, Any]
    """The JSON of the spec as the client sent it."""
    idempotency: Idempotency | None = None
    trace_context: str | None = field(default_factory=read_trace_context)
    """That of its request. Another request may execute the batch."""


class _NewJob(NamedTuple):
    """A job to insert, the idempotency key of its request, and the request itself, for the audit."""

    validated: ValidatedSpec
    idempotency: Idempotency | None
    request: AuditedRequest | None


_Outcome = JobDetails | Exception
"""The outcome of a submission: a job, or the reason why there is none."""


class JobSubmitter:
    """Accepts submits from any number of threads.

    A returned job is committed, and wake-ups are requested for its queue.
    """

    def __init__(self, sessions: SessionFactory, limits: Limits, notifier: QueueNotifier) -> None:
        self._sessions = sessions
        self._limits = limits
        self._notifier = notifier
        self._batch_executor = BatchExecutor(self._submit_batch, max_batch_size=_MAX_BATCH_SIZE)

    def submit(self, spec_json: bytes, key: str | None = None, principal: Principal = IMPLICIT_ADMIN) -> JobDetails:
        """Parse and check a spec and queue its job, or return the job of an earlier request with the same key.

        Args:
            spec_json: the spec, as the client sent it.
            principal: who submits the job.
            key: the idempotency key of the request, so that the client may repeat it.

        Raises:
            SpecError: the spec is not valid; it lists every fault with its location.
            Invalid: there is no such dataset.
            Conflict: the idempotency key was used with another body.
            NotFound: the dataset was deleted while the spec was being checked.

        """
        spec = parse_spec(spec_json, self._limits)
        idempotency = None if key is None else Idempotency(key, hashlib.sha256(spec_json).hexdigest())
        return self._batch_executor.submit(_Submission(principal, spec, json.loads(spec_json), idempotency))

    def retry(self, job_id: UUID, key: str | None = None, principal: Principal = IMPLICIT_ADMIN) -> JobDetails:
        """Queue a job that has ended once more, or return the job of an earlier request with the same key.

        Args:
            job_id: the job.
            key: the idempotency key of the request, so that the client may repeat it.
            principal: who retries it, and owns the new job in the project of the first one.

        Raises:
            NotFound: there is no such job, or its dataset was deleted meanwhile.
            Conflict: it has not ended, its dataset was deleted, or the key was used for another request.
            SpecError: its spec exceeds the current limits.

        """
        idempotency = None if key is None else Idempotency(key, hashlib.sha256(b"retry " + job_id.bytes).hexdigest())
        return self._submit_again(
            principal, idempotency, lambda session: validation.validate_retry(session, job_id, self._limits)
        )

    def continue_training(
        self, job_id: UUID, epochs: int, key: str | None = None, principal: Principal = IMPLICIT_ADMIN
    ) -> JobDetails:
        """Queue a new job that trains a succeeded one further, or return that of an earlier request with the same key.

        Args:
            job_id: the job that has succeeded.
            epochs: the number of epochs that the new job has trained at its end, with those of the first job.
            key: the idempotency key of the request, so that the client may repeat it.
            principal: who continues it, and owns the new job in the project of the first one.

        Raises:
            NotFound: there is no such job, or its dataset was deleted meanwhile.
            Conflict: it cannot be continued, or the key was used for another request.
            InvalidInput: it has trained so many epochs already.
            SpecError: its spec exceeds the current limits.

        """
        content = b"continue %d " % epochs + job_id.bytes
        idempotency = None if key is None else Idempotency(key, hashlib.sha256(content).hexdigest())
        return self._submit_again(
            principal,
            idempotency,
            lambda session: validation.validate_continuation(session, job_id, epochs, self._limits),
        )

    def _submit_again(
        self,
        principal: Principal,
        idempotency: Idempotency | None,
        validate: Callable[[Session], ValidatedSpec],
    ) -> JobDetails:
        sessions = _open_sessions(self._sessions, principal)
        with sessions.read() as session:
            earlier_job = insertion.find_earlier_job(session, idempotency)
            if earlier_job is not None:
                return job_read_model.load_job_details(session, [earlier_job])[0]
            validated_spec = validate(session)
        [outcome] = self._insert_all(sessions, [_NewJob(validated_spec, idempotency, principal.audit)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _submit_batch(self, submissions: Sequence[_Submission]) -> list[_Outcome]:
        """Submit those of each principal in a transaction of their own, because a session has one owner."""
        outcomes: dict[int, _Outcome] = {}
        groups: dict[Any, list[int]] = {}
        for index, submission in enumerate(submissions):
            groups.setdefault(submission.principal.identity, []).append(index)
        for indices in groups.values():
            group = [submissions[index] for index in indices]
            outcomes |= zip(indices, self._submit_group(group[0].principal, group), strict=True)
        return [outcomes[index] for index in range(len(submissions))]

    def _submit_group(self, principal: Principal, submissions: Sequence[_Submission]) -> list[_Outcome]:
        sessions = _open_sessions(self._sessions, principal)
        with sessions.read() as session:
            lookups = _look_up(session, submissions)
        outcomes: list[_Outcome | ValidatedSpec] = [
            self._validate_spec(submission, lookup) if isinstance(lookup, _Datasets) else lookup
            for submission, lookup in zip(submissions, lookups, strict=True)
        ]
        new_jobs = [
            _NewJob(outcome, submission.idempotency, submission.principal.audit)
            for submission, outcome in zip(submissions, outcomes, strict=True)
            if isinstance(outcome, ValidatedSpec)
        ]
        inserted = iter(self._insert_all(sessions, new_jobs))
        return [next(inserted) if isinstance(outcome, ValidatedSpec) else outcome for outcome in outcomes]

    def _validate_spec(self, submission: _Submission, datasets: "_Datasets") -> ValidatedSpec | Exception:
        try:
            validated = validation.validate_spec(
                submission.spec, datasets.dataset, self._limits, datasets.test_dataset
            )
            return replace(validated, spec_as_sent=submission.document, trace_context=submission.trace_context)
        except Exception as error:  # noqa: BLE001  # any error belongs to this submission alone
            return error

    def _insert_all(self, sessions: SessionFactory, new_jobs: Sequence[_NewJob]) -> list[_Outcome]:
        if not new_jobs:
            return []
        try:
            with sessions.begin() as session:
                job_details = _insert_in_session(session, new_jobs)
        except (IntegrityError, ServiceError) as error:  # one job caused it, and the transaction wrote none of them
            if len(new_jobs) == 1:
                return [error]
            return [self._insert_all(sessions, [new_job])[0] for new_job in new_jobs]
        self._notify_queues(job_details)
        return list(job_details)

    def _notify_queues(self, job_details: Iterable[JobDetails]) -> None:
        startable_jobs: Counter[str] = Counter()
        for details in job_details:
            is_startable = details.waiting is not None and details.waiting.code is WaitCode.STARTING
            startable_jobs[details.job.queue] += is_startable
        for queue, count in startable_jobs.items():
            self._notifier.notify_queue(queue, count)


def _open_sessions(sessions: SessionFactory, principal: Principal) -> SessionFactory:
    """Return sessions of a principal without their request: each job of a transaction has its own one."""
    return restrict_sessions(sessions, replace(principal, audit=None))


@dataclass(frozen=True)
class _Datasets:
    """The datasets that a spec names."""

    dataset: Dataset
    test_dataset: Dataset | None


def _look_up(session: Session, submissions: Sequence[_Submission]) -> list[JobDetails | _Datasets | Exception]:
    """Return, for each submission, the job of an earlier request with its key, or else its datasets."""
    datasets: dict[str, Dataset | Exception] = {}
    lookups: list[JobDetails | _Datasets | Exception] = []
    for submission in submissions:
        try:
            earlier_job = insertion.find_earlier_job(session, submission.idempotency)
        except ServiceError as error:
            lookups.append(error)
            continue
        ref = submission.spec.data.dataset
        if earlier_job is None and ref not in datasets:
            datasets[ref] = _look_up_dataset(session, ref)
        if earlier_job is not None:
            lookups.append(job_read_model.load_job_details(session, [earlier_job])[0])
        else:
            lookups.append(_add_test_dataset(session, submission.spec, datasets[ref]))
    return lookups


def _add_test_dataset(session: Session, spec: JobSpec, dataset: Dataset | Exception) -> _Datasets | Exception:
    if isinstance(dataset, Exception):
        return dataset
    try:
        return _Datasets(dataset, catalog.find_test_dataset(session, spec))
    except ServiceError as error:
        return error


def _look_up_dataset(session: Session, ref: str) -> Dataset | ServiceError:
    try:
        return catalog.find_dataset(session, ref)
    except ServiceError as error:
        return error


def _insert_in_session(session: Session, new_jobs: Sequence[_NewJob]) -> list[JobDetails]:
    keyless = iter(
        insertion.insert_jobs(session, [new_job.validated for new_job in new_jobs if new_job.idempotency is None])
    )
    job_rows = [
        next(keyless)
        if new_job.idempotency is None
        else insertion.submit_job(session, new_job.validated, new_job.idempotency)
        for new_job in new_jobs
    ]
    _record_requests(session, new_jobs, job_rows)
    return _load_details(session, job_rows)


def _record_requests(session: Session, new_jobs: Sequence[_NewJob], job_rows: Sequence[Job]) -> None:
    for new_job, job in zip(new_jobs, job_rows, strict=True):
        if new_job.request is not None:
            new_job.request.object_id, new_job.request.project_id = job.id, job.project_id
            recording.add_entry(session, new_job.request)


def _load_details(session: Session, job_rows: Sequence[Job]) -> list[JobDetails]:
    # A concurrent request with the same key may have created a job first. That one may be in any state by now. A job
    # that continues another one has epochs and a checkpoint.
    unclaimed = [
        job for job in job_rows if job.state is JobState.QUEUED and job.attempt == 0 and job.continued_from is None
    ]
    details_by_id = {
        details.job.id: details for details in job_read_model.load_submitted_job_details(session, unclaimed)
    }
    details_by_id |= {
        job.id: job_read_model.load_job_details(session, [job])[0] for job in job_rows if job.id not in details_by_id
    }
    return [details_by_id[job.id] for job in job_rows]
