"""Route of the metric history of a job, as JSON columns or CSV."""

import csv
import io
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from api.app_state import SessionsDep
from api.http.content_negotiation import choose_media_type
from api.http.problem_documents import RESPONSES
from service.history import json_floats, metric_history
from service.history.metric_history import History

router = APIRouter(prefix="/v1/jobs", tags=["results"], responses=RESPONSES)

_JSON, _CSV = "application/json", "text/csv"
MAX_EPOCH = 2**31 - 1
"""The largest value of PostgreSQL's INTEGER, the type of epochs."""
FromEpoch = Annotated[int, Query(ge=0, le=MAX_EPOCH, description="The index of the first epoch, from 0.")]
ToEpoch = Annotated[int | None, Query(ge=0, le=MAX_EPOCH, description="The index of the last epoch, from 0.")]


class HistoryView(BaseModel):
    """Columns of equal length: `metrics[name][i]` belongs to `epochs[i]`, the index of an epoch from 0, as in Keras.

    Charts and messages count from 1: the epoch with index 4 is epoch 5.

    A number that is not finite is null; `nonfinite[name][epoch]` has it as `NaN`, `Infinity` or `-Infinity`.
    """

    epochs: list[int]
    metrics: dict[str, list[float | None]]
    nonfinite: dict[str, dict[int, str]]

    @classmethod
    def of(cls, history: History) -> "HistoryView":
        """Return the view of a history."""
        nonfinite = {
            name: json_floats.collect_nonfinite(zip(history.epochs, column, strict=True))
            for name, column in history.metrics.items()
        }
        return cls.model_construct(
            epochs=list(history.epochs),
            metrics={
                name: [json_floats.to_json_float(value) for value in column]
                for name, column in history.metrics.items()
            },
            nonfinite={name: values for name, values in nonfinite.items() if values},
        )


@router.get(
    "/{job_id}/history",
    response_model=HistoryView,
    responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
)
def get_history(
    job_id: UUID,
    sessions: SessionsDep,
    from_epoch: FromEpoch = 0,
    to_epoch: ToEpoch = None,
    max_points: Annotated[int | None, Query(ge=1)] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Get the epochs recorded so far, or those from `from_epoch` to `to_epoch`.

    With `Accept: text/csv`, there is a row per epoch, with `nan` and `inf`.
    `max_points` limits the number of epochs. The first and the last epoch stay, as do the minimum, the maximum and the
    first non-finite value of each metric. It must be at least 2 + 3 x the number of metrics.
    """
    media_type = choose_media_type(accept, (_JSON, _CSV))
    with sessions.read() as session:
        history = metric_history.load_history(session, job_id, from_epoch=from_epoch, to_epoch=to_epoch)
    history = history.thinned(max_points)
    content = _format_csv(history) if media_type == _CSV else HistoryView.of(history).model_dump_json()
    return Response(content, media_type=media_type, headers={"Vary": "Accept"})


def _format_csv(history: History) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["epoch", *history.metrics])
    rows.writerows(zip(history.epochs, *history.metrics.values(), strict=True))
    return text.getvalue()
