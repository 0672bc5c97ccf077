"""What the server answers, typed. Fields that a newer server adds are kept and do no harm."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]

_UNFINISHED = frozenset({"queued", "running", "paused"})


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Fault(View):
    """One thing that is wrong with a request, at its JSON pointer."""

    pointer: str = ""
    message: str = ""
    received: Any = None
    fix: str | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and, where that is known, what would put it right."""
        return self.message if self.fix is None else f"{self.message}: {self.fix}"


class Problem(View):
    """An RFC 9457 problem document."""

    status: int
    title: str
    type: str = "about:blank"
    detail: str = ""
    errors: list[Fault] = []


class Dataset(View):
    """One version of a named dataset."""

    id: str
    name: str
    version: int
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime
    description: Json = {}


class DatasetReference(View):
    """Which dataset a job reads; `version` is that of the moment it was submitted."""

    id: str | None = None
    name: str
    version: int | None = None


class LayerReference(View):
    """A layer: its place in the spec's `network.layers`, from 0, and what Keras calls it."""

    index: int
    name: str
    type: str


class Reason(View):
    """Why a job is in its state; of one that diverged also where, and what to change.

    Of one whose process was taken down: the signal or the exit status, the last epoch that it recorded, the most bytes
    of memory that the process was seen with and, where memory ran out, how many the check estimates.
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
    peak_memory: int | None = None
    estimate: int | None = None


class Ahead(View):
    """A job that runs before another one, or runs already."""

    id: str
    name: str | None = None
    state: str
    priority: int = 0


class Checkpoint(View):
    """Where a training goes on if it must: with this epoch and step of it, from 0; `at` is when it was written."""

    epoch: int
    step: int = 0
    at: datetime


class Waiting(View):
    """Why a queued or paused job waits; `since` is when a worker of its queue was last heard of, where none lives."""

    code: str
    message: str = ""
    since: datetime | None = None


class RanOn(View):
    """What an attempt computes on: `cpu` or a card's name, TensorFlow's intra-op threads, the precision, releases."""

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
    """How far the current attempt is; `seconds_left` is an estimate."""

    epochs_done: int = 0
    epochs: int = 0
    seconds_left: float | None = None


class Metric(View):
    """A metric at the last epoch and at its best; None stands for a value that was not finite."""

    last: float | None = None
    best: float | None = None
    best_epoch: int | None = None


class Confusion(View):
    """`matrix[i][j]` counts the rows of class i that were taken for class j."""

    classes: list[bool | int | str] = []
    matrix: list[list[int]] = []


class Histogram(View):
    """`counts[i]` values lie from `edges[i]` up to `edges[i + 1]`."""

    edges: list[float] = []
    counts: list[int] = []


class Residuals(View):
    """Actual less predicted, in the units of the target `column`; numbers are None where there are no rows."""

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
    """What the trained network does on the test set, or, where there is none, on the validation set (`on`).

    Where a metric is None, `nonfinite` has the word for it. `confusion` is a classifier's, `residuals` are a
    regressor's, by target column; both lack the `rows_left_out`, whose outputs are not finite.
    """

    on: str = "test"
    rows: int | None = None
    rows_left_out: int = 0
    metrics: dict[str, float | None] = {}
    nonfinite: dict[str, str] = {}
    confusion: Confusion | None = None
    residuals: list[Residuals] | None = None


class Advice(View):
    """Something in a spec that is legal and probably wrong, at its JSON pointer, and what would be better."""

    code: str
    pointer: str = ""
    message: str = ""
    fix: str = ""


class Job(View):
    """A job as it was when the server answered.

    A list leaves out spec, warnings, evaluation, transitions, checkpoint, what runs `before` it and what it ran on.
    `estimated_start` comes from past runs of the same architecture, and is None where there were none, as what runs
    before it is in the answer to a submit. `crashes` are the attempts that took their process down, `lost_attempts`
    those that were lost with their worker.
    """

    id: str
    name: str | None = None
    state: str
    reason: Reason | None = None
    tags: list[str] = []
    queue: str = ""
    priority: int = 0
    attempt: int = 0
    lost_attempts: int = 0
    crashes: int = 0
    peak_memory: int | None = None
    worker: str | None = None
    cancel_requested: bool = False
    pause_requested: bool = False
    retry_of: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    transitions: list[Transition] = []
    progress: Progress = Progress()
    queue_position: int | None = None
    before: list[Ahead] | None = None
    estimated_start: datetime | None = None
    waiting: Waiting | None = None
    checkpoint: Checkpoint | None = None
    ran_on: RanOn | None = None
    metrics: dict[str, Metric] = {}
    evaluation: Evaluation | None = None
    dataset: DatasetReference | None = None
    warnings: list[Advice] = []
    spec: Json = {}

    @property
    def finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state not in _UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Whether there is a model from a training that went to its end."""
        return self.state == "succeeded"


class Worker(View):
    """A worker, which is `serving`, `draining` (it finishes what it has) or `lost`; `jobs` are those that it runs."""

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
    """Every epoch's metrics, in columns; `metrics` has None where `nonfinite` has the value by its epoch."""

    epochs: list[int] = []
    metrics: dict[str, list[float | None]] = {}
    nonfinite: dict[str, dict[str, str]] = {}

    def column(self, metric: str) -> list[float]:
        """A metric's values as floats, with NaN and infinities where they were.

        Raises:
            KeyError: there is no such metric.

        """
        lost = self.nonfinite.get(metric, {})
        return [
            float(lost.get(str(epoch), math.nan)) if value is None else value
            for epoch, value in zip(self.epochs, self.metrics[metric], strict=True)
        ]


@dataclass(frozen=True)
class Event:
    """Something that happened to a job: its state changed, epochs were recorded, or it was deleted.

    Args:
        id: where to go on after it, for `Client.events`.
        kind: `state`, `epochs` or `deleted`; a newer server may have others.
        data: what the server said.

    """

    id: str
    kind: str
    data: Json

    @property
    def last(self) -> bool:
        """Whether nothing will happen to the job any more."""
        return self.kind == "deleted" or (self.kind == "state" and self.data.get("to") not in _UNFINISHED)

    @property
    def transition(self) -> Transition | None:
        """The change of state that it is, if it is one."""
        return Transition.model_validate(self.data) if self.kind == "state" else None

    @property
    def epochs(self) -> History | None:
        """The epochs that it brings, if it does: each replaces what was told of it before."""
        return History.model_validate(self.data) if self.kind == "epochs" else None


class Predictions(View):
    """What a network says of each row; `unknown` are values that its dataset's columns did not have.

    `predictions[i]` is a number, a class, or a number for each target column by its name. `scores[i][j]` is the share
    of `classes[j]`. Where a number is None, `nonfinite` has it by its pointer into the answer.
    """

    target: list[str] = []
    classes: list[bool | int | str] | None = None
    predictions: list[Any] = []
    scores: list[list[float | None]] | None = None
    nonfinite: dict[str, str] = {}
    unknown: list[Fault] = []
