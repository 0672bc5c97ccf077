"""Chart of a job's learning curves, from a client's request."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.charts import curve_chart, text_format
from service.charts.chart_style import ChartStyle, Document, build_notice
from service.charts.scales import Scale
from service.errors import InvalidInput
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import queries
from stackyard.spec import Fault

MAX_METRICS = 16
_DEFAULT_METRICS = ("loss", "val_loss")
_ACTIVE_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True)
class CurveRequest:
    """Options of a chart. Without names of metrics it has the loss and, if there is one, the validation loss."""

    metrics: Sequence[str] = ()
    from_epoch: int = 0
    scale: Scale = "auto"
    style: ChartStyle = field(default_factory=ChartStyle)


def build_learning_curve(session: Session, job_id: UUID, request: CurveRequest) -> Document:
    """Build the chart of a job's learning curves, or a chart that explains why there are none.

    Raises:
        NotFound: there is no such job.
        InvalidInput: the job has no such metric, or there are too many metrics, or the height is too small for them.

    """
    job = queries.get_job(session, job_id, queries.WITHOUT_DOCUMENTS)
    history = metric_history.load_history(session, job_id, from_epoch=request.from_epoch)
    title = text_format.format_job_title(job.name, job.id)
    if not history.epochs:
        return build_notice(_explain_missing_epochs(job, request.from_epoch), title, _format_state(job), request.style)
    names = _select_metrics(request.metrics, list(history.metrics))
    numbers = [index + 1 for index in history.epochs]  # people count from 1
    maximized = metric_history.load_maximized_columns(session, job_id)
    history = replace(history, epochs=numbers, maximized=maximized).select_metrics(names)
    _check_height(history, request.style)
    subtitle = f"{_format_state(job)}{_format_best_value(history)}"
    return curve_chart.build_curve_chart(history, title, subtitle, request.style, request.scale)


def _format_state(job: Job) -> str:
    state = job.state.value.capitalize()
    return (
        f"{state}, {job.epochs_done:,} of {text_format.format_count(job.epochs, 'epoch')}"
        if job.epochs_done
        else state
    )


def _explain_missing_epochs(job: Job, from_epoch: int) -> str:
    if job.epochs_done:
        return f"No epoch from {from_epoch + 1:,} on; the last so far is {job.epochs_done:,}."
    return "No epochs yet." if job.state in _ACTIVE_STATES else "It ended before its first epoch."


def _select_metrics(requested: Sequence[str], available: Sequence[str]) -> list[str]:
    """Return the metrics to draw, without duplicates.

    Raises:
        InvalidInput: the job has no such metric, or there are too many.

    """
    unknown = [name for name in requested if name not in available]
    if unknown:
        raise _build_error("metrics", f"expected some of {', '.join(available)}; received {', '.join(unknown)}")
    defaults = [name for name in _DEFAULT_METRICS if name in available] or list(available[:1])
    selected = list(dict.fromkeys(requested)) or defaults
    if len(selected) > MAX_METRICS:
        raise _build_error("metrics", f"expected at most {MAX_METRICS} in one picture, received {len(selected)}")
    return selected


def _check_height(history: History, style: ChartStyle) -> None:
    min_height = curve_chart.compute_min_height(history, style.width)
    if style.height is not None and style.height < min_height:
        raise _build_error("height", f"expected at least {min_height} for these metrics, received {style.height}")


def _build_error(parameter: str, message: str) -> InvalidInput:
    return InvalidInput((Fault(pointer=f"/query/{parameter}", message=message),))


def _format_best_value(history: History) -> str:
    """Format the best value of the first metric in the shown epochs, on validation rows if there are such."""
    metric = text_format.get_base_metric(next(iter(history.metrics)))
    name = next(name for name in (f"{text_format.VALIDATION_PREFIX}{metric}", metric) if name in history.metrics)
    values = zip(history.metrics[name], history.epochs, strict=True)
    finite = [(value, epoch) for value, epoch in values if math.isfinite(value)]
    if not finite:
        return ""
    sign = -1 if name in history.maximized else 1
    value, epoch = min(finite, key=lambda pair: sign * pair[0])
    label = f"{text_format.get_subset_name(name)} {text_format.get_base_metric(name).replace('_', ' ')}"
    return f" · best {label} {text_format.format_number(value)} at epoch {epoch:,}"
