"""Response schemas for jobs."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models import Backend, Checkpoint, JobState
from service.jobs.job_read_model import JobDetails
from service.jobs.wait_reasons import WaitCode
from stackyard.spec import Advice


class LayerReferenceView(BaseModel):
    """A layer: its index in the spec's `network.layers`, from 0, and the name that Keras gives it."""

    index: int
    name: str
    type: str


class WaitingView(BaseModel):
    """Why a queued or paused job waits: a code for programs, a sentence for people.

    If no worker serves the queue, `since` is the time of the last heartbeat of one that did.
    """

    code: WaitCode
    message: str
    since: datetime | None


class AheadView(BaseModel):
    """A job that is ahead of another one in the queue, or runs already."""

    id: UUID
    name: str | None
    state: JobState
    priority: int


class CheckpointView(BaseModel):
    """The checkpoint from which the training would continue, by epoch and step, both from 0.

    The history has all epochs before it. `at` is the time when it was written, and `bytes` the size of its file.
    """

    epoch: int
    step: int
    at: datetime
    bytes: int


class RanOnView(BaseModel):
    """The execution environment of the current or last attempt.

    `backend` is Keras's backend. `device` is `cpu` or the name of the GPU, and `threads` are the threads of an
    operation. `precision` is Keras's dtype policy, or `tf32` if the GPU rounds the factors of float32 products to
    TensorFloat-32. `versions` has the versions of python, stackyard, keras and the backend.
    """

    backend: Backend = Backend.TENSORFLOW
    device: str
    threads: int
    precision: str
    versions: dict[str, str]


class ReasonView(BaseModel):
    """Why a job is in its state: a code for programs, a sentence for people.

    For a diverged job, `epoch` and `step` are indices from 0, while the message counts from 1. The job also has the
    first `layer` with a non-finite output, and a `hint`. `layer` is null if every output was finite or the layer is
    unknown; the message says which. For a crashed process, its `signal` or `exit_status`, the index of the last
    recorded epoch, its peak memory in bytes and, if memory ran out, the `estimate` of the check in bytes. For an
    unexpected error, the `error_id` of its entry in the worker's log. For a job that succeeded before its last epoch,
    the index of the last `epoch`, and as `weights_epoch` that of the epoch whose weights the model has. For a job
    that paused at its `until_epoch`, the index of the last `epoch`.
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
    weights_epoch: int | None = None
    peak_memory: int | None = None
    estimate: int | None = None
    error_id: str | None = None


class TransitionView(BaseModel):
    """A change of the job's state. `from` is null for the first."""

    from_state: JobState | None = Field(serialization_alias="from")
    to_state: JobState = Field(serialization_alias="to")
    attempt: int
    at: datetime
    reason: ReasonView | None


class ProgressView(BaseModel):
    """Progress of the current attempt. `seconds_left` is an estimate from the epochs so far."""

    epochs_done: int
    epochs: int
    seconds_left: float | None


class MetricView(BaseModel):
    """The last and the best value of a metric, null if not finite. `best_epoch` is an index from 0."""

    last: float | None
    best: float | None
    best_epoch: int | None


class ConfusionView(BaseModel):
    """A confusion matrix: `matrix[i][j]` is the number of rows of class i that were predicted as class j."""

    classes: list[bool | int | str]
    matrix: list[list[int]]


class HistogramView(BaseModel):
    """A histogram: `counts[i]` is the number of values from `edges[i]` up to `edges[i + 1]`."""

    edges: list[float]
    counts: list[int]


class ResidualsView(BaseModel):
    """Residuals (actual minus predicted) of a target column, in its units. Numbers are null if there are no rows.

    `standard_deviation` divides by the count, the keys of `quantiles` are percentages, and `pairs` are at most 500
    evenly spaced pairs of (actual, predicted).
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
    """Evaluation of the trained network on the test set or, without a test set, on the validation set.

    For a metric that is null, `nonfinite` has its value. A classifier of at most 100 classes has `confusion`; a
    regressor of at most 100 target columns has `residuals`. Both exclude `rows_left_out`, the rows with non-finite
    outputs.
    """

    on: Literal["test", "validation"] = "test"
    rows: int | None = None
    rows_left_out: int = 0
    metrics: dict[str, float | None]
    nonfinite: dict[str, str]
    confusion: ConfusionView | None = None
    residuals: list[ResidualsView] | None = None


class DatasetReference(BaseModel):
    """The version of a dataset that the job uses. `id` is null after the dataset was deleted."""

    id: UUID | None
    name: str
    version: int


class SweepReferenceView(BaseModel):
    """The sweep that a job belongs to, its trial, and which repeat of that trial it is, both from 0.

    `trial` and `repeat` are null for a job that another one has replaced after a failure of the installation.
    """

    id: UUID
    trial: int | None
    repeat: int | None


class JobSummaryView(BaseModel):
    """A job in a list.

    `estimated_start` follows from the durations of past runs of the same architectures. It is null if there were none,
    and in the response to a submit. `worker` is the host and process of the current or last attempt. `lost_attempts`
    counts attempts whose worker disappeared, `crashes` those that ended their process. `peak_memory` is the largest
    resident memory of the process in bytes. `backend` is the backend of Keras that trains the job. After `until_epoch`
    epochs the job pauses by itself. `retry_of` is the job that this one repeats, and `continued_from` the one that it
    trains further. `owner` is the name of the user who submitted the job, or null on a server without users, and
    `project` the name of its project.
    """

    id: UUID
    owner: str | None
    project: str
    name: str | None
    tags: list[str]
    state: JobState
    reason: ReasonView | None
    queue: str
    backend: Backend
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
    finish_requested: bool
    until_epoch: int | None
    retry_of: UUID | None
    sweep: SweepReferenceView | None
    continued_from: UUID | None
    dataset: DatasetReference
    test_dataset: DatasetReference | None
    progress: ProgressView
    metrics: dict[str, MetricView]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, details: JobDetails) -> "JobSummaryView":
        """Return the view of a job."""
        return cls.model_validate(_build_summary(details))


class SpecView(BaseModel):
    """The spec of a job, with every default and its seed, and as the client sent it.

    `as_sent` is null if the client sent every value, or if a release that did not keep it received the job. The job of
    a retry has that of the first job. Changes of the name, the tags and the priority are in `spec` alone.
    """

    spec: dict[str, Any]
    as_sent: dict[str, Any] | None


class JobView(JobSummaryView):
    """A job with all its details. The spec has every default and the seed.

    `before` lists at most 20 jobs ahead of this one: those that run on its queue, and those that wait before it. Of
    these, `hidden_before` is the number of those that are left out, because the client does not see their projects.
    Both are null if the job does not wait, and in the response to a submit.
    """

    before: list[AheadView] | None
    hidden_before: int | None
    checkpoint: CheckpointView | None
    ran_on: RanOnView | None
    transitions: list[TransitionView]
    evaluation: EvaluationView | None
    warnings: list[Advice]
    spec: dict[str, Any]

    @classmethod
    def of(cls, details: JobDetails) -> "JobView":
        """Return the view of a job."""
        job = details.job
        return cls.model_validate(
            _build_summary(details)
            | {
                "transitions": [
                    {name: getattr(transition, name) for name in TransitionView.model_fields}
                    for transition in details.transitions
                ],
                "before": None if details.before is None else [asdict(ahead) for ahead in details.before],
                "hidden_before": details.hidden_before,
                "checkpoint": None if details.checkpoint is None else _build_checkpoint(details.checkpoint),
                "ran_on": job.ran_on,
                "evaluation": job.evaluation,
                "warnings": job.warnings,
                "spec": job.spec,
            },
        )


class ListedJobView(JobSummaryView):
    """A job of a page. `sparkline` has values of the metric that the request names; null if it names none.

    They are evenly spaced, at most 40, with the first and the last one. A value that is not finite is null.
    """

    sparkline: list[float | None] | None = None

    @classmethod
    def with_sparkline(cls, details: JobDetails, sparkline: list[float | None] | None) -> "ListedJobView":
        """Return the view of a job and its sparkline."""
        return cls.model_validate(_build_summary(details) | {"sparkline": sparkline})


class JobPage(BaseModel):
    """A page of jobs, newest first unless `sort` says otherwise. `next` is the `cursor` of the next page, or null."""

    items: list[ListedJobView]
    next: str | None


def _build_checkpoint(row: Checkpoint) -> dict[str, Any]:
    return {"epoch": row.epoch, "step": row.step, "at": row.created_at, "bytes": row.bytes}


def _build_summary(details: JobDetails) -> dict[str, Any]:
    job = details.job
    return {
        "id": job.id,
        "owner": details.owner,
        "project": details.project,
        "name": job.name,
        "tags": details.tags,
        "state": job.state,
        "reason": job.reason,
        "queue": job.queue,
        "backend": job.backend,
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
        "finish_requested": job.finish_after_epochs is not None,
        "until_epoch": job.until_epoch,
        "retry_of": job.retry_of,
        "sweep": None
        if job.sweep_id is None
        else {"id": job.sweep_id, "trial": job.trial_number, "repeat": job.repeat},
        "continued_from": job.continued_from,
        "dataset": {"id": job.dataset_id, "name": job.dataset_name, "version": job.dataset_version},
        "test_dataset": None
        if job.test_dataset_name is None
        else {"id": job.test_dataset_id, "name": job.test_dataset_name, "version": job.test_dataset_version},
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
