"""A job's learning curves, as somebody asks for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.charts import curve_chart, text_format
from service.charts.chart_style import Document, Look, notice
from service.charts.scales import Scale
from service.errors import Invalid
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import jobs
from stackyard.spec import Problem

MOST_METRICS = 16
_USUAL = ("loss", "val_loss")
_NOT_YET = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True)
class CurveRequest:
    """What to show: without names the loss, on validation rows too where there are such."""

    metrics: Sequence[str] = ()
    from_epoch: int = 0
    scale: Scale = "auto"
    look: Look = field(default_factory=Look)


def curve(session: Session, job_id: UUID, asked: CurveRequest) -> Document:
    """A job's learning curves, or a picture that says why there are none.

    Raises:
        NotFound: there is no such job.
        Invalid: a metric is none of the job's, or there are too many, or the height is too small for them.

    """
    job = jobs.get(session, job_id)
    told = metric_history.read(session, job_id, from_epoch=asked.from_epoch)
    title = text_format.title(job.name, job.id)
    if not told.epochs:
        return notice(_nothing(job, asked.from_epoch), title, _state(job), asked.look)
    told = History(told.epochs, {name: told.metrics[name] for name in _chosen(asked.metrics, list(told.metrics))})
    _check_height(told, asked.look)
    return curve_chart.document(told, title, f"{_state(job)}{_best(told)}", asked.look, asked.scale)


def _state(job: Job) -> str:
    state = job.state.value.capitalize()
    return f"{state}, {job.epochs_done:,} of {text_format.count(job.epochs, 'epoch')}" if job.epochs_done else state


def _nothing(job: Job, from_epoch: int) -> str:
    if job.epochs_done:
        return f"No epoch from {from_epoch:,} on; the last so far is {job.epochs_done - 1:,}."
    return "No epochs yet." if job.state in _NOT_YET else "It ended before its first epoch."


def _chosen(asked: Sequence[str], known: Sequence[str]) -> list[str]:
    """The metrics to draw, each once.

    Raises:
        Invalid: some are none of the job's, or there are too many.

    """
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise _invalid("metrics", f"expected some of {', '.join(known)}; received {', '.join(unknown)}")
    chosen = list(dict.fromkeys(asked)) or [name for name in _USUAL if name in known] or list(known[:1])
    if len(chosen) > MOST_METRICS:
        raise _invalid("metrics", f"expected at most {MOST_METRICS} in one picture, received {len(chosen)}")
    return chosen


def _check_height(told: History, look: Look) -> None:
    least = curve_chart.least_height(told, look.width)
    if look.height is not None and look.height < least:
        raise _invalid("height", f"expected at least {least} for these metrics, received {look.height}")


def _invalid(parameter: str, message: str) -> Invalid:
    return Invalid((Problem(pointer=f"/query/{parameter}", message=message),))


def _best(told: History) -> str:
    """The best value in sight of the first metric, on validation rows where there are such."""
    first = text_format.base(next(iter(told.metrics)))
    name = next(name for name in (f"{text_format.VALIDATION}{first}", first) if name in told.metrics)
    values = zip(told.metrics[name], told.epochs, strict=True)
    finite = [(value, epoch) for value, epoch in values if math.isfinite(value)]
    if not finite:
        return ""
    sign = -1 if metric_history.higher_is_better(name) else 1
    value, epoch = min(finite, key=lambda pair: sign * pair[0])
    of = f"{text_format.rows(name)} {text_format.base(name).replace('_', ' ')}"
    return f" · best {of} {text_format.number(value)} at epoch {epoch:,}"
