"""What a client gets back about a job."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from models import JobState
from service.details import JobDetails


class ReasonView(BaseModel):
    """Why a job is in its state: a word for programs, a sentence for people."""

    code: str
    message: str


class TransitionView(BaseModel):
    """A step in the job's life; `from` is null for the first."""

    from_state: JobState | None = Field(serialization_alias="from")
    to_state: JobState = Field(serialization_alias="to")
    attempt: int
    at: datetime
    reason: ReasonView | None


class ProgressView(BaseModel):
    """How far the current attempt is; `seconds_left` is an estimate from the epochs so far."""

    epochs_done: int
    epochs: int
    seconds_left: float | None


class MetricView(BaseModel):
    """A metric's last and best value, null where not finite; epochs count from 0."""

    last: float | None
    best: float | None
    best_epoch: int | None


class EvaluationView(BaseModel):
    """The test set's metrics; where one is null, `nonfinite` has the word for it."""

    metrics: dict[str, float | None]
    nonfinite: dict[str, str]


class DatasetReference(BaseModel):
    """The version of the dataset that the job trains on; `id` is null when it has been deleted since."""

    id: UUID | None
    name: str
    version: int


class JobSummaryView(BaseModel):
    """A job as a list shows it; `worker` is the host and process that has, or last had, the current attempt."""

    id: UUID
    name: str | None
    tags: list[str]
    state: JobState
    reason: ReasonView | None
    queue: str
    queue_position: int | None
    priority: int
    attempt: int
    worker: str | None
    cancel_requested: bool
    dataset: DatasetReference
    progress: ProgressView
    metrics: dict[str, MetricView]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, details: JobDetails) -> "JobSummaryView":
        """The view of a job."""
        return cls.model_validate(_summary(details))


class JobView(JobSummaryView):
    """The whole of a job, its spec with every default and the seed that is used."""

    transitions: list[TransitionView]
    evaluation: EvaluationView | None
    spec: dict[str, Any]

    @classmethod
    def of(cls, details: JobDetails) -> "JobView":
        """The view of a job."""
        job = details.job
        return cls.model_validate(
            _summary(details)
            | {
                "transitions": [
                    {name: getattr(step, name) for name in TransitionView.model_fields} for step in details.transitions
                ],
                "evaluation": job.evaluation,
                "spec": job.spec,
            },
        )


class JobPage(BaseModel):
    """Some jobs, newest first; `next` is the `cursor` of the page after them, or null."""

    items: list[JobSummaryView]
    next: str | None


def _summary(details: JobDetails) -> dict[str, Any]:
    job = details.job
    return {
        "id": job.id,
        "name": job.name,
        "tags": details.tags,
        "state": job.state,
        "reason": job.reason,
        "queue": job.queue,
        "queue_position": details.queue_position,
        "priority": job.priority,
        "attempt": job.attempt,
        "worker": job.worker,
        "cancel_requested": job.cancel_requested,
        "dataset": {"id": job.dataset_id, "name": job.dataset_name, "version": job.dataset_version},
        "progress": {
            "epochs_done": job.epochs_done,
            "epochs": job.epochs,
            "seconds_left": details.seconds_left,
        },
        "metrics": {
            metric.name: {"last": metric.last, "best": metric.best, "best_epoch": metric.best_epoch}
            for metric in details.metrics
        },
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
