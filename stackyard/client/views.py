"""What the server answers, typed. Fields that a newer server adds are kept and do no harm."""

import math
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]

_UNFINISHED = frozenset({"queued", "running"})


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Fault(View):
    """One thing that is wrong with a request, at its JSON pointer."""

    pointer: str = ""
    message: str = ""
    received: Any = None


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


class Reason(View):
    """Why a job is in its state."""

    code: str
    message: str


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


class Evaluation(View):
    """The test set's metrics; where one is None, `nonfinite` has the word for it."""

    metrics: dict[str, float | None] = {}
    nonfinite: dict[str, str] = {}


class Job(View):
    """A job as it was when the server answered; a list leaves out spec, evaluation and transitions."""

    id: str
    name: str | None = None
    state: str
    reason: Reason | None = None
    tags: list[str] = []
    queue: str = ""
    priority: int = 0
    attempt: int = 0
    worker: str | None = None
    cancel_requested: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    transitions: list[Transition] = []
    progress: Progress = Progress()
    queue_position: int | None = None
    metrics: dict[str, Metric] = {}
    evaluation: Evaluation | None = None
    dataset: DatasetReference | None = None
    spec: Json = {}

    @property
    def finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state not in _UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Whether there is a model from a training that went to its end."""
        return self.state == "succeeded"


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
