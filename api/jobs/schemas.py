"""What a client gets back about a job."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models import Checkpoint, JobState
from service.jobs.job_read_model import JobDetails
from service.jobs.wait_reasons import WaitCode
from stackyard.spec import Advice


class LayerReferenceView(BaseModel):
    """A layer: its place in the spec's `network.layers`, from 0, and what Keras calls it."""

    index: int
    name: str
    type: str


class WaitingView(BaseModel):
    """Why a queued or paused job waits: a word for programs, a sentence for people.

    `since` is when a worker of its queue was last heard of, where none lives and one is remembered.
    """

    code: WaitCode
    message: str
    since: datetime | None


class AheadView(BaseModel):
    """A job that runs before another one, or runs already."""

    id: UUID
    name: str | None
    state: JobState
    priority: int


class CheckpointView(BaseModel):
    """Where a job's training goes on if it must: with this epoch and step of it, both from 0.

    All epochs before it are in the history; `at` is when it was written.
    """

    epoch: int
    step: int
    at: datetime


class RanOnView(BaseModel):
    """What the current or last attempt computes on.

    `device` is `cpu` or the card's name; `threads` are TensorFlow's intra-op ones; `precision` is Keras's dtype
    policy, or `tf32` where a card rounds the factors of float32 products to TensorFloat-32; `versions` are those of
    python, stackyard, keras and tensorflow.
    """

    device: str
    threads: int
    precision: str
    versions: dict[str, str]


class ReasonView(BaseModel):
    """Why a job is in its state: a word for programs, a sentence for people.

    Of a job that diverged also where: epoch and step, both from 0, the first layer whose output was not finite, and
    what to change. `layer` is null where every output was finite, or where it is not known: the message says which.
    Of one whose process was taken down: the signal or the exit status, the last epoch that it recorded, the most bytes
    of memory that the process was seen with and, where memory ran out, how many the check estimates.
    """

    code: str
    message: str
    epoch: int | None = None
    step: int | None = None
    layer: LayerReferenceView | None = None
    hint: str | None = None
    signal: str | None = None
    exit_status: int | None = None
    last_epoch: int | None = None
    peak_memory: int | None = None
    estimate: int | None = None


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


class ConfusionView(BaseModel):
    """`matrix[i][j]` counts the rows of class i that were taken for class j."""

    classes: list[bool | int | str]
    matrix: list[list[int]]


class HistogramView(BaseModel):
    """`counts[i]` values lie from `edges[i]` up to `edges[i + 1]`."""

    edges: list[float]
    counts: list[int]


class ResidualsView(BaseModel):
    """Actual less predicted, in the units of the target `column`; numbers are null where there are no rows.

    `standard_deviation` divides by the count; `quantiles` are by percent; `pairs` are at most 500 of (actual,
    predicted), evenly taken.
    """

    column: str
    count: int
    mean: float | None
    standard_deviation: float | None
    mean_absolute: float | None
    root_mean_square: float | None
    quantiles: dict[str, float | None]
    histogram: HistogramView
    pairs: list[tuple[float, float]]


class EvaluationView(BaseModel):
    """What the trained network does on the test set, or, where there is none, on the validation set.

    Where a metric is null, `nonfinite` has the word for it. `confusion` is a classifier's, of at most 100 classes;
    `residuals` are a regressor's, by target column, of at most 100. Both lack the `rows_left_out`, whose outputs are
    not finite.
    """

    on: Literal["test", "validation"] = "test"
    rows: int | None = None
    rows_left_out: int = 0
    metrics: dict[str, float | None]
    nonfinite: dict[str, str]
    confusion: ConfusionView | None = None
    residuals: list[ResidualsView] | None = None


class DatasetReference(BaseModel):
    """The version of the dataset that the job trains on; `id` is null when it has been deleted since."""

    id: UUID | None
    name: str
    version: int


class JobSummaryView(BaseModel):
    """A job as a list shows it.

    `estimated_start` is when it starts if every job takes as long as past runs of its architecture did, null where
    there were none and in the answer to a submit. `worker` is the host and process that has, or last had, the current
    attempt. Of the attempts, `lost_attempts` ended without a word from their worker, and `crashes` took their process
    down; `peak_memory` is the most bytes that the process of the current or last one was seen with. `retry_of` is the
    job that this one repeats.
    """

    id: UUID
    name: str | None
    tags: list[str]
    state: JobState
    reason: ReasonView | None
    queue: str
    queue_position: int | None
    estimated_start: datetime | None
    waiting: WaitingView | None
    priority: int
    attempt: int
    lost_attempts: int
    crashes: int
    peak_memory: int | None
    worker: str | None
    cancel_requested: bool
    pause_requested: bool
    retry_of: UUID | None
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
    """The whole of a job, its spec with every default and the seed that is used.

    `before` are the jobs that run on its queue and the first that wait in it, as far as they come before this one, at
    most 20; null where it does not wait, and in the answer to a submit.
    """

    before: list[AheadView] | None
    checkpoint: CheckpointView | None
    ran_on: RanOnView | None
    transitions: list[TransitionView]
    evaluation: EvaluationView | None
    warnings: list[Advice]
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
                "before": None if details.before is None else [asdict(ahead) for ahead in details.before],
                "checkpoint": None if details.checkpoint is None else _checkpoint(details.checkpoint),
                "ran_on": job.ran_on,
                "evaluation": job.evaluation,
                "warnings": job.warnings,
                "spec": job.spec,
            },
        )


class JobPage(BaseModel):
    """Some jobs, newest first; `next` is the `cursor` of the page after them, or null."""

    items: list[JobSummaryView]
    next: str | None


def _checkpoint(row: Checkpoint) -> dict[str, Any]:
    return {"epoch": row.epoch, "step": row.step, "at": row.created_at}


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
        "estimated_start": details.estimated_start,
        "waiting": None if details.waiting is None else asdict(details.waiting),
        "priority": job.priority,
        "attempt": job.attempt,
        "lost_attempts": job.lost_attempts,
        "crashes": job.crashes,
        "peak_memory": job.peak_memory,
        "worker": job.worker,
        "cancel_requested": job.cancel_requested,
        "pause_requested": job.pause_requested,
        "retry_of": job.retry_of,
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
