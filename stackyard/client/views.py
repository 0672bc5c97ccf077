"""Typed views of the server's answers. Fields that a newer server adds are kept."""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

Json = dict[str, Any]

_UNFINISHED = frozenset({"queued", "running", "paused"})


class View(BaseModel):
    """Base of the views."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Fault(View):
    """One fault of a request, with its JSON pointer."""

    pointer: str = ""
    message: str = ""
    received: Any = None
    fix: str | None = None

    @property
    def sentence(self) -> str:
        """The message and, if known, the fix."""
        return self.message if self.fix is None else f"{self.message}: {self.fix}"


class ProblemDocument(View):
    """An RFC 9457 problem document."""

    status: int
    title: str
    type: str = "about:blank"
    detail: str = ""
    errors: list[Fault] = []
    request_id: str | None = None
    """Id of the request, by which the lines of the server's log can be found."""


class Dataset(View):
    """One version of a named dataset. `owner` is the user who uploaded it, and None on a server without users."""

    id: str
    owner: str | None = None
    project: str | None = None
    name: str
    version: int
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime
    description: Json = {}


class DatasetReference(View):
    """The dataset that a job reads. `version` is the one at the time of submission."""

    id: str | None = None
    name: str
    version: int | None = None


class LayerReference(View):
    """A layer: its index in the spec's `network.layers`, from 0, and its name and type in Keras."""

    index: int
    name: str
    type: str


class Reason(View):
    """Why a job is in its state.

    For a job that diverged, `epoch`, `step` and `layer` say where, and `hint` says what to change. For a job whose
    process crashed, `signal` or `exit_status` says how. `last_epoch` is the last recorded epoch, and `peak_memory` the
    process's largest observed memory in bytes. If memory ran out, `estimate` is the check's estimate in bytes.
    For an unexpected error, the worker's log has its details under `error_id`. For a job that succeeded before its
    last epoch, `epoch` is the last one that trained, and `weights_epoch` the one whose weights the model has.
    """

    code: str
    message: str
    epoch: int | None = None
    step: int | None = None
    layer: LayerReference | None = None
    hint: str | None = None
    signal: str | None = None
    exit_status: int | None = None
    last_epoch: int | None = None
    weights_epoch: int | None = None
    peak_memory: int | None = None
    estimate: int | None = None
    error_id: str | None = None


class Ahead(View):
    """A job that is running, or will run before another job."""

    id: str
    name: str | None = None
    state: str
    priority: int = 0


class Checkpoint(View):
    """Where a training can continue: the epoch and its step, from 0. `at` is when the checkpoint was written."""

    epoch: int
    step: int = 0
    at: datetime
    bytes: int | None = None


class Waiting(View):
    """Why a queued or paused job waits. Without a live worker, `since` is the last heartbeat of one of its queue."""

    code: str
    message: str = ""
    since: datetime | None = None


class RanOn(View):
    """The execution environment of an attempt.

    `backend` is Keras's backend. `device` is `cpu` or the name of the GPU, `threads` are the threads of an operation,
    and `versions` are releases.
    """

    backend: str = "tensorflow"
    device: str = ""
    threads: int = 0
    precision: str = ""
    versions: dict[str, str] = {}


class Transition(View):
    """A change of state."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    source: str | None = Field(default=None, alias="from")
    target: str = Field(alias="to")
    at: datetime
    attempt: int = 0
    reason: Reason | None = None


class Progress(View):
    """The progress of the current attempt. `seconds_left` is an estimate."""

    epochs_done: int = 0
    epochs: int = 0
    seconds_left: float | None = None


class Metric(View):
    """A metric at the last epoch and at its best epoch. None is a value that was not finite."""

    last: float | None = None
    best: float | None = None
    best_epoch: int | None = None


class Confusion(View):
    """A confusion matrix: `matrix[i][j]` counts the rows of class i that were predicted as class j."""

    classes: list[bool | int | str] = []
    matrix: list[list[int]] = []


class Histogram(View):
    """A histogram: `counts[i]` values lie from `edges[i]` to `edges[i + 1]`."""

    edges: list[float] = []
    counts: list[int] = []


class Residuals(View):
    """Actual minus predicted values, in the units of the target `column`. Statistics of no rows are None."""

    column: str
    count: int = 0
    mean: float | None = None
    standard_deviation: float | None = None
    mean_absolute: float | None = None
    root_mean_square: float | None = None
    quantiles: dict[str, float | None] = {}
    histogram: Histogram = Histogram()
    pairs: list[tuple[float, float]] = []


class Evaluation(View):
    """The evaluation of the trained network on the test set, or on the validation set if there is none (`on`).

    If a metric is None, `nonfinite` has its value as a string. Classifiers have `confusion`, regressors `residuals`
    for each target column. Both leave out `rows_left_out` rows, whose outputs are not finite.
    """

    on: str = "test"
    rows: int | None = None
    rows_left_out: int = 0
    metrics: dict[str, float | None] = {}
    nonfinite: dict[str, str] = {}
    confusion: Confusion | None = None
    residuals: list[Residuals] | None = None


class Advice(View):
    """A warning: a value in a spec that is valid but likely a mistake, its JSON pointer and a fix."""

    code: str
    pointer: str = ""
    message: str = ""
    fix: str = ""


class JobSource(Protocol):
    """The methods of a client that a job calls."""

    def job(self, job_id: str) -> "Job":
        """Return the current state of a job."""
        ...

    def wait(
        self, job_id: str, *, timeout: float | None, on_update: "Callable[[Job], None] | None", progress: bool
    ) -> "Job":
        """Wait until a job has ended, and return it."""
        ...

    def history(self, job_id: str) -> "History":
        """Return the metrics of the epochs so far."""
        ...

    def render_job(self, job: "Job") -> str:
        """Return HTML that shows a job."""
        ...


@dataclass
class _Connection:
    """The client that loaded a job. It makes no job differ from another, and copies and pickles do not have it."""

    client: JobSource | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


class Job(View):
    """A job as it was when the server answered. In a notebook, it shows its state and its learning curve.

    A list leaves out `spec`, `warnings`, `evaluation`, `transitions`, `checkpoint`, `before`, `hidden_before` and
    `ran_on`. `before` leaves out the jobs of projects that the user does not see, and `hidden_before` is their number.
    `estimated_start` comes from past runs of the same architecture, and is None if there are none. The answer to a
    submit has None for `before` and `estimated_start`. `crashes` counts the attempts whose process crashed,
    `lost_attempts` those that were lost with their worker. `sparkline` has a few values of the metric that a list
    was to include. After `until_epoch` epochs the job pauses by itself. `continued_from` is the job whose training
    this one continues. `backend` is Keras's backend that trains it. `owner` is the user who submitted it; None on a
    server without users.
    """

    id: str
    owner: str | None = None
    project: str | None = None
    name: str | None = None
    state: str
    reason: Reason | None = None
    tags: list[str] = []
    queue: str = ""
    backend: str = "tensorflow"
    priority: int = 0
    attempt: int = 0
    lost_attempts: int = 0
    crashes: int = 0
    peak_memory: int | None = None
    worker: str | None = None
    cancel_requested: bool = False
    pause_requested: bool = False
    finish_requested: bool = False
    until_epoch: int | None = None
    retry_of: str | None = None
    continued_from: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    transitions: list[Transition] = []
    progress: Progress = Progress()
    queue_position: int | None = None
    before: list[Ahead] | None = None
    hidden_before: int | None = None
    estimated_start: datetime | None = None
    waiting: Waiting | None = None
    checkpoint: Checkpoint | None = None
    ran_on: RanOn | None = None
    metrics: dict[str, Metric] = {}
    evaluation: Evaluation | None = None
    dataset: DatasetReference | None = None
    warnings: list[Advice] = []
    spec: Json = {}
    sparkline: list[float | None] | None = None

    _connection: _Connection = PrivateAttr(default_factory=_Connection)

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self.state not in _UNFINISHED

    @property
    def is_held(self) -> bool:
        """Whether the job has paused at its `until_epoch`, where it stays until a client lets it train further."""
        return self.state == "paused" and self.reason is not None and self.reason.code == "until_epoch"

    @property
    def succeeded(self) -> bool:
        """Whether the job has a model from a completed training."""
        return self.state == "succeeded"

    def connect(self, client: JobSource) -> Self:
        """Let the methods of this job use a client. A client connects the jobs that it returns."""
        self._connection.client = client
        return self

    def reload(self) -> "Job":
        """Return the job as it is now.

        Raises:
            RuntimeError: no client has returned this job, or it was pickled.

        """
        return self._get_client().job(self.id)

    def wait(
        self,
        *,
        progress: bool = False,
        timeout: float | None = None,
        on_update: "Callable[[Job], None] | None" = None,
    ) -> "Job":
        """Wait until the job has ended, and return it. Its `state` says how it ended.

        Args:
            progress: show a bar with the epochs and the metrics, in a terminal and in a notebook.
            timeout: seconds after which to give up; None for never.
            on_update: called with the job after the first request and whenever the job has changed.

        Raises:
            WaitTimeoutError: the job has not ended in time.
            RuntimeError: no client has returned this job, or it was pickled.

        """
        return self._get_client().wait(self.id, timeout=timeout, on_update=on_update, progress=progress)

    def history(self) -> Any:
        """Return the metrics of all epochs so far.

        The result is a pandas `DataFrame` as `History.to_frame` returns, or a `History` where pandas is not installed.

        Raises:
            RuntimeError: no client has returned this job, or it was pickled.

        """
        history = self._get_client().history(self.id)
        try:
            return history.to_frame()
        except ImportError:
            return history

    def _get_client(self) -> JobSource:
        if self._connection.client is None:
            raise RuntimeError("This job has no client. Load it with Client.job.")
        return self._connection.client

    def _repr_html_(self) -> str | None:
        """Return HTML for a notebook; None, so that it shows the text, if no client has returned this job."""
        client = self._connection.client
        return None if client is None else client.render_job(self)


class Worker(View):
    """A worker, which is `serving`, `draining` (it finishes its jobs) or `lost`. `jobs` are the jobs that it runs."""

    id: str
    state: str
    host: str = ""
    pid: int = 0
    device: str = ""
    cards: list[str] = []
    queue: str = ""
    concurrency: int = 0
    threads: int = 0
    versions: dict[str, str] = {}
    jobs: list[str] = []
    started_at: datetime
    last_seen_at: datetime


class History(View):
    """Every epoch's metrics, in columns.

    A value that is not finite is None in `metrics`; `nonfinite` has it as a string, by metric and epoch.
    """

    epochs: list[int] = []
    metrics: dict[str, list[float | None]] = {}
    nonfinite: dict[str, dict[str, str]] = {}

    def column(self, metric: str) -> list[float]:
        """Return a metric's values as floats, including NaN and infinities.

        Raises:
            KeyError: there is no such metric.

        """
        nonfinite = self.nonfinite.get(metric, {})
        return [
            float(nonfinite.get(str(epoch), math.nan)) if value is None else value
            for epoch, value in zip(self.epochs, self.metrics[metric], strict=True)
        ]

    def to_frame(self) -> Any:
        """Return a pandas `DataFrame` with a column for each metric. Its index `epoch` counts from 0.

        Raises:
            ImportError: pandas is not installed.

        """
        pandas: Any = importlib.import_module("pandas")
        index = pandas.Index(self.epochs, name="epoch", dtype="int64")
        return pandas.DataFrame({name: self.column(name) for name in self.metrics}, index=index, dtype="float64")


@dataclass(frozen=True)
class Event:
    """An event of a job: its state changed, epochs were recorded, or it was deleted.

    Args:
        id: for `Client.events`, to continue after this event.
        kind: `state`, `epochs` or `deleted`; a newer server may have others.
        data: the event's JSON object.

    """

    id: str
    kind: str
    data: Json

    @property
    def last(self) -> bool:
        """Whether it is the job's last event."""
        return self.kind == "deleted" or (self.kind == "state" and self.data.get("to") not in _UNFINISHED)

    @property
    def transition(self) -> Transition | None:
        """The change of state, if it is one."""
        return Transition.model_validate(self.data) if self.kind == "state" else None

    @property
    def epochs(self) -> History | None:
        """The recorded epochs, if it has any. Each replaces an earlier record of the same epoch."""
        return History.model_validate(self.data) if self.kind == "epochs" else None


class Predictions(View):
    """A network's prediction for each row. `unknown` lists values that did not occur in the dataset's columns.

    `predictions[i]` is a number, a class, or an object with a number for each target column. `scores[i][j]` is the
    score of `classes[j]`. If a number is None, `nonfinite` has it as a string, by its pointer into the answer.
    """

    target: list[str] = []
    classes: list[bool | int | str] | None = None
    predictions: list[Any] = []
    scores: list[list[float | None]] | None = None
    nonfinite: dict[str, str] = {}
    unknown: list[Fault] = []
