"""A job's metrics by epoch, as JSON columns or as CSV."""

import csv
import io
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from api.app_state import SessionsDep
from api.http.content_negotiation import choose
from api.http.problem_documents import RESPONSES
from service.history import metric_history
from service.history.metric_history import History

router = APIRouter(prefix="/v1/jobs", tags=["results"], responses=RESPONSES)

_JSON, _CSV = "application/json", "text/csv"
MAX_EPOCH = 2**31 - 1
"""What PostgreSQL's INTEGER, in which epochs are counted, can hold."""


class HistoryView(BaseModel):
    """Columns: `metrics[name][i]` belongs to `epochs[i]`, which counts from 0 as Keras does.

    A number that is not finite is null, and `nonfinite[name][epoch]` says which it was: `NaN`, `Infinity` or
    `-Infinity`.
    """

    epochs: list[int]
    metrics: dict[str, list[float | None]]
    nonfinite: dict[str, dict[int, str]]

    @classmethod
    def of(cls, told: History) -> "HistoryView":
        """The view of a history."""
        words = {
            name: metric_history.nonfinite(zip(told.epochs, column, strict=True))
            for name, column in told.metrics.items()
        }
        return cls.model_construct(
            epochs=list(told.epochs),
            metrics={name: [metric_history.finite(number) for number in told.metrics[name]] for name in told.metrics},
            nonfinite={name: found for name, found in words.items() if found},
        )


@router.get(
    "/{job_id}/history",
    response_model=HistoryView,
    responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
)
def get_history(
    job_id: UUID,
    sessions: SessionsDep,
    from_epoch: Annotated[int, Query(ge=0, le=MAX_EPOCH)] = 0,
    max_points: Annotated[int | None, Query(ge=1)] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Tell the epochs recorded so far; `text/csv` by Accept has a row an epoch, and `nan` and `inf` in it.

    With `max_points` at most so many epochs come back, among them the first and the last, each metric's least and
    greatest value and its first that is not finite; it must be at least 2 + 3 x the number of metrics.
    """
    media_type = choose(accept, (_JSON, _CSV))
    with sessions.read() as session:
        told = metric_history.read(session, job_id, from_epoch=from_epoch)
    told = told.thinned(max_points)
    content = _csv(told) if media_type == _CSV else HistoryView.of(told).model_dump_json()
    return Response(content, media_type=media_type, headers={"Vary": "Accept"})


def _csv(told: History) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["epoch", *told.metrics])
    rows.writerows(zip(told.epochs, *told.metrics.values(), strict=True))
    return text.getvalue()
