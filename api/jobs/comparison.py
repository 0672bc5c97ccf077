"""Route that compares jobs."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from api.jobs.history import HistoryView
from api.jobs.schemas import JobSummaryView
from service.errors import InvalidInput
from service.results import comparison
from stackyard.spec import Fault

router = APIRouter(prefix="/v1/compare", tags=["results"], responses=RESPONSES)

_MAX_POINTS = 10_000


class DifferenceView(BaseModel):
    """A place at which the specs differ, as a JSON pointer, and its value in each spec; null where it is absent."""

    pointer: str
    values: list[Any]


class BandView(BaseModel):
    """The mean of a metric by epoch, and the mean less and plus the standard deviation (n - 1)."""

    epochs: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


class RepeatsView(BaseModel):
    """Jobs whose specs differ only in seeds, by their indices in `jobs`, and the bands of their metrics."""

    jobs: list[int]
    metrics: dict[str, BandView]


class ComparisonView(BaseModel):
    """Jobs in the order of the request, their histories, the differences of their specs, and repeats of a spec.

    `metrics` has the names of all metrics. Names and tags are no differences. Layers are compared by their index.
    """

    jobs: list[JobSummaryView]
    metrics: list[str]
    differences: list[DifferenceView]
    histories: list[HistoryView]
    repeats: list[RepeatsView]


@router.get("", response_model=ComparisonView)
def compare_jobs(
    job: Annotated[list[UUID], Query(min_length=2, max_length=comparison.MAX_JOBS, description="A job; repeatable.")],
    sessions: SessionsDep,
    max_points: Annotated[int, Query(ge=1, le=_MAX_POINTS, description="Epochs of each history.")] = 500,
) -> Response:
    """Compare 2 to 50 jobs: their metrics, their histories, and the places at which their specs differ.

    Repeats of one spec with other seeds also have the mean of each metric with its standard deviation.
    """
    if len(set(job)) < len(job):
        message = "Expected each job once, received one twice."
        raise InvalidInput((Fault(pointer="/query/job", message=message),))
    with sessions.read() as session:
        result = comparison.compare_jobs(session, job, max_points)
        view = ComparisonView.model_construct(
            jobs=[JobSummaryView.of(details) for details in result.jobs],
            metrics=list(dict.fromkeys(name for history in result.histories for name in history.metrics)),
            differences=[
                DifferenceView(pointer=item.pointer, values=list(item.values)) for item in result.differences
            ],
            histories=[HistoryView.of(history) for history in result.histories],
            repeats=[RepeatsView.model_validate(asdict(repeats)) for repeats in result.repeats],
        )
    return Response(view.model_dump_json(by_alias=True), media_type="application/json")
