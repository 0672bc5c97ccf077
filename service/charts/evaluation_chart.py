"""Where a job's network errs, as somebody asks for it: a confusion matrix, or residuals."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.charts import confusion_chart, residuals_chart, text_format
from service.charts.chart_style import Document, Look
from service.errors import Conflict, Invalid
from service.jobs import jobs
from stackyard.spec import Problem

Json = dict[str, Any]

_NOT_YET = frozenset({JobState.QUEUED, JobState.RUNNING})
_MOST_NAMED = 20


def evaluation(session: Session, job_id: UUID, column: str | None, look: Look) -> Document:
    """A classifier's confusion matrix, or a regressor's residuals.

    Args:
        session: to read with.
        job_id: of the job.
        column: of the target, for residuals; the first where it is None.
        look: of the picture.

    Raises:
        NotFound: there is no such job.
        Conflict: it has no evaluation, or one without either of these.
        Invalid: there is no such target column.

    """
    job = jobs.get(session, job_id)
    found, title = _found(job), text_format.title(job.name, job.id)
    if found.get("confusion"):
        return confusion_chart.document(found["confusion"], title, _of_matrix(found), look)
    chosen = _column(found.get("residuals") or [], column)
    if chosen is None:
        raise Conflict("no_evaluation_chart", _why_none(found))
    return residuals_chart.document(chosen, title, _of_residuals(found, chosen), look)


def _found(job: Job) -> Json:
    if job.evaluation is not None:
        return job.evaluation
    state = job.state.value
    if job.state in _NOT_YET:
        raise Conflict("no_evaluation_yet", f"The job is {state}; its evaluation comes when it has succeeded.")
    if job.state is JobState.SUCCEEDED:
        raise Conflict("no_evaluation", "The job has neither a test set nor a validation set to be evaluated on.")
    because = f": {job.reason['message']}" if job.reason else "."
    raise Conflict("no_evaluation", f"The job has {state} and was not evaluated{because}")


def _column(told: list[Json], wanted: str | None) -> Json | None:
    """The residuals to draw; None where there are none of any column.

    Raises:
        Invalid: there are, but none of the column that is wanted.

    """
    named = {residuals["column"]: residuals for residuals in told}
    if wanted is not None and named and wanted not in named:
        known = ", ".join(text_format.line(name) for name in list(named)[:_MOST_NAMED])
        raise Invalid((Problem(pointer="/query/column", message=f"expected a column of the target: {known}"),))
    chosen = next(iter(told), None) if wanted is None else named.get(wanted)
    return chosen if chosen is not None and chosen["count"] else None


def _why_none(found: Json) -> str:
    if found.get("rows_left_out"):
        return "No output of the network was finite, so there is nothing to draw."
    return "The evaluation has metrics alone: the target is neither classes nor numbers, or has more than 100 of them."


def _of_matrix(found: Json) -> str:
    matrix: list[list[int]] = found["confusion"]["matrix"]
    rows, right = sum(sum(row) for row in matrix), sum(row[place] for place, row in enumerate(matrix))
    share = f" · {right / rows:.1%} right" if rows else ""
    return f"{_rows(found)}{share} · shaded by share of the actual class"


def _of_residuals(found: Json, told: Json) -> str:
    errors = {"mean absolute error": told["mean_absolute"], "root mean square": told["root_mean_square"]}
    known = [f" · {name} {text_format.number(value)}" for name, value in errors.items() if value is not None]
    return f"{_rows(found)}{''.join(known)}"


def _rows(found: Json) -> str:
    left_out: int = found["rows_left_out"]
    missing = f", {left_out:,} left out" if left_out else ""
    return f"{found['on'].capitalize()} set, {text_format.count(found['rows'], 'row')}{missing}"
