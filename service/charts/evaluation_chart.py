"""Chart of a job's evaluation: a confusion matrix or residuals."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session, load_only

from models import Job, JobState
from service.charts import confusion_chart, residuals_chart, text_format
from service.charts.chart_style import ChartStyle, Document
from service.errors import Conflict, InvalidInput
from service.jobs import queries
from stackyard.spec import Fault

Json = dict[str, Any]

_ACTIVE_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})
_MAX_LISTED_COLUMNS = 20
_CHART_COLUMNS = load_only(Job.id, Job.name, Job.state, Job.reason, Job.evaluation, raiseload=True)


def build_evaluation_chart(session: Session, job_id: UUID, column: str | None, style: ChartStyle) -> Document:
    """Build the chart of a classifier's confusion matrix, or of a regressor's residuals.

    Args:
        session: session to read in.
        job_id: id of the job.
        column: target column of the residuals; None for the first.
        style: theme and size.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has no evaluation, or one with neither a confusion matrix nor residuals.
        InvalidInput: there is no such target column.

    """
    job = queries.get_job(session, job_id, [_CHART_COLUMNS])
    results, title = _get_evaluation(job), text_format.format_job_title(job.name, job.id)
    if results.get("confusion"):
        return confusion_chart.build_confusion_chart(results["confusion"], title, _format_accuracy(results), style)
    residuals = _select_residuals(results.get("residuals") or [], column)
    if residuals is None:
        raise Conflict("no_evaluation_chart", _explain_missing_chart(results))
    return residuals_chart.build_residuals_chart(residuals, title, _format_errors(results, residuals), style)


def _get_evaluation(job: Job) -> Json:
    if job.evaluation is not None:
        return job.evaluation
    state = job.state.value
    if job.state in _ACTIVE_STATES:
        raise Conflict("no_evaluation_yet", f"The job is {state}; its evaluation is available when it has succeeded.")
    if job.state is JobState.SUCCEEDED:
        raise Conflict("no_evaluation", "The job has neither a test set nor a validation set to be evaluated on.")
    cause = f": {job.reason['message']}" if job.reason else "."
    raise Conflict("no_evaluation", f"The job is {state} and was not evaluated{cause}")


def _select_residuals(residuals: list[Json], column: str | None) -> Json | None:
    """Return the residuals to draw, or None if there are none of any column.

    Raises:
        InvalidInput: there are residuals, but not of `column`.

    """
    by_column = {entry["column"]: entry for entry in residuals}
    if column is not None and by_column and column not in by_column:
        listed = ", ".join(text_format.to_single_line(name) for name in list(by_column)[:_MAX_LISTED_COLUMNS])
        raise InvalidInput((Fault(pointer="/query/column", message=f"expected a column of the target: {listed}"),))
    selected = next(iter(residuals), None) if column is None else by_column.get(column)
    return selected if selected is not None and selected["count"] else None


def _explain_missing_chart(results: Json) -> str:
    if results.get("rows_left_out"):
        return "No output of the network was finite, so there is no chart."
    return "The evaluation has metrics alone: the target has neither classes nor numbers, or more than 100 of them."


def _format_accuracy(results: Json) -> str:
    matrix: list[list[int]] = results["confusion"]["matrix"]
    rows, correct = sum(sum(row) for row in matrix), sum(row[index] for index, row in enumerate(matrix))
    share = f" · {correct / rows:.1%} right" if rows else ""
    return f"{_format_row_count(results)}{share} · shaded by share of the actual class"


def _format_errors(results: Json, residuals: Json) -> str:
    errors = {"mean absolute error": residuals["mean_absolute"], "root mean square": residuals["root_mean_square"]}
    texts = [f" · {name} {text_format.format_number(value)}" for name, value in errors.items() if value is not None]
    return f"{_format_row_count(results)}{''.join(texts)}"


def _format_row_count(results: Json) -> str:
    left_out: int = results["rows_left_out"]
    suffix = f", {left_out:,} left out" if left_out else ""
    return f"{results['on'].capitalize()} set, {text_format.format_count(results['rows'], 'row')}{suffix}"
