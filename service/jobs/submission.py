"""Where jobs come in: those that are submitted at once share a transaction, and what it costs."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Dataset, JobState
from service.datasets import catalog
from service.db.database import Sessions
from service.errors import ServiceError
from service.jobs import job_read_model, jobs
from service.jobs.batching import Together
from service.jobs.job_read_model import JobDetails
from service.jobs.jobs import Checked, Idempotency
from service.jobs.wait_reasons import WaitCode
from service.queue.queue_notifier import Waker
from stackyard.spec import JobSpec, Limits, parse

_MOST_AT_ONCE = 64
"""Submits in a transaction: more than the API has threads."""


@dataclass(frozen=True)
class _Submission:
    """A spec that was read, and the key that it came with."""

    spec: JobSpec
    idempotency: Idempotency | None = None


Outcome = JobDetails | Exception
"""What came of a submission: a job, or why there is none."""


class Intake:
    """Takes submits from any number of threads. A job that it returns is committed, and its queue is being woken."""

    def __init__(self, sessions: Sessions, limits: Limits, waker: Waker) -> None:
        self._sessions = sessions
        self._limits = limits
        self._waker = waker
        self._together = Together(self._submit_all, most=_MOST_AT_ONCE)

    def submit(self, text: bytes, key: str | None = None) -> JobDetails:
        """Read a spec, check it and queue its job, or find the one that the same request made before.

        Args:
            text: the spec, as it was sent.
            key: which the client gave its request, so that it may repeat it.

        Raises:
            SpecError: every fault of the spec, each at its place.
            Invalid: there is no such dataset.
            Conflict: the idempotency key was used with another body.
            NotFound: the dataset was deleted while the spec was being checked.

        """
        spec = parse(text, self._limits)
        idempotency = None if key is None else Idempotency(key, hashlib.sha256(text).hexdigest())
        return self._together.ask(_Submission(spec, idempotency))

    def retry(self, job_id: UUID, key: str | None = None) -> JobDetails:
        """Queue a job that has ended once more, or find the one that the same request made before.

        Args:
            job_id: the job.
            key: which the client gave its request, so that it may repeat it.

        Raises:
            NotFound: there is no such job, or its dataset was deleted meanwhile.
            Conflict: it has not ended, its dataset was deleted, or the idempotency key was used for something else.
            SpecError: it asks for more than the limits allow now.

        """
        idempotency = None if key is None else Idempotency(key, hashlib.sha256(b"retry " + job_id.bytes).hexdigest())
        with self._sessions.read() as session:
            earlier = jobs.earlier(session, idempotency)
            if earlier is not None:
                return job_read_model.gather(session, [earlier])[0]
            checked = jobs.examine_again(session, job_id, self._limits)
        [outcome] = self._queue_all([(checked, idempotency)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _submit_all(self, submissions: Sequence[_Submission]) -> list[Outcome]:
        with self._sessions.read() as session:
            looked_up = _look_up(session, submissions)
        outcomes: list[Outcome | Checked] = [
            self._check(submission.spec, found) if isinstance(found, Dataset) else found
            for submission, found in zip(submissions, looked_up, strict=True)
        ]
        new = [
            (outcome, submission.idempotency)
            for submission, outcome in zip(submissions, outcomes, strict=True)
            if isinstance(outcome, Checked)
        ]
        queued = iter(self._queue_all(new))
        return [next(queued) if isinstance(outcome, Checked) else outcome for outcome in outcomes]

    def _check(self, spec: JobSpec, dataset: Dataset) -> Checked | Exception:
        try:
            return jobs.examine(spec, dataset, self._limits)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is that one's alone
            return error

    def _queue_all(self, new: Sequence[tuple[Checked, Idempotency | None]]) -> list[Outcome]:
        if not new:
            return []
        try:
            with self._sessions.begin() as session:
                told = _queue(session, new)
        except (IntegrityError, ServiceError) as error:  # one's fault: nothing of any of them was written
            return [error] if len(new) == 1 else [self._queue_all([one])[0] for one in new]
        self._wake(told)
        return list(told)

    def _wake(self, told: Iterable[JobDetails]) -> None:
        starting: Counter[str] = Counter()
        for one in told:
            starting[one.job.queue] += one.waiting is not None and one.waiting.code is WaitCode.STARTING
        for queue, number in starting.items():
            self._waker.wake(queue, number)


def _look_up(session: Session, submissions: Sequence[_Submission]) -> list[JobDetails | Dataset | Exception]:
    """For each the job that its request made before, or its dataset."""
    found: dict[str, Dataset | Exception] = {}
    outcomes: list[JobDetails | Dataset | Exception] = []
    for submission in submissions:
        try:
            earlier = jobs.earlier(session, submission.idempotency)
        except ServiceError as error:
            outcomes.append(error)
            continue
        ref = submission.spec.data.dataset
        if earlier is None and ref not in found:
            found[ref] = _dataset(session, ref)
        outcomes.append(found[ref] if earlier is None else job_read_model.gather(session, [earlier])[0])
    return outcomes


def _dataset(session: Session, ref: str) -> Dataset | ServiceError:
    try:
        return catalog.find(session, ref)
    except ServiceError as error:
        return error


def _queue(session: Session, new: Sequence[tuple[Checked, Idempotency | None]]) -> list[JobDetails]:
    keyless = iter(jobs.insert(session, [checked for checked, idempotency in new if idempotency is None]))
    made = [
        next(keyless) if idempotency is None else jobs.submit(session, checked, idempotency)
        for checked, idempotency in new
    ]
    # Another request with the same key may have made it at this moment; then it is as any other job.
    untouched = [job for job in made if job.state is JobState.QUEUED and job.attempt == 0]
    told = {one.job.id: one for one in job_read_model.submitted(session, untouched)}
    told |= {job.id: job_read_model.gather(session, [job])[0] for job in made if job.id not in told}
    return [told[job.id] for job in made]
