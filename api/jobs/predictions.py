"""Predictions for rows that a job's network has not seen."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel

from api.app_state import PredictorDep, SessionsDep, SettingsDep, StoreDep
from api.http.content_negotiation import choose
from api.http.problem_documents import RESPONSES
from api.http.request_body import read_body
from service import prediction
from service.datasets.dataset_source import CSV
from stackyard.spec import Problem

router = APIRouter(prefix="/v1/jobs", tags=["results"], responses=RESPONSES)

_JSON = "application/json"
_ROWS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {
                "schema": {
                    "type": "object",
                    "required": ["rows"],
                    "additionalProperties": False,
                    "properties": {
                        "rows": {
                            "type": "array",
                            "minItems": 1,
                            "items": {},
                            "description": "Objects by the names of the dataset's columns; of arrays, nested lists.",
                        },
                    },
                },
            },
            CSV: {"schema": {"type": "string"}},
        },
    },
}


class PredictionsView(BaseModel):
    """What the network says, row by row, in the target's own units and values.

    `predictions[i]` is a number, a class or, for several target columns, an object with a number for each; of a
    network whose outputs are none of these, its outputs. `scores[i][j]` is the share of `classes[j]` as the network
    sees it; both are null where there are none. A number that is not finite is null, and `nonfinite` says which it was
    (`NaN`, `Infinity` or `-Infinity`) by its pointer into this answer. `unknown` lists values that the dataset's
    column did not have, by their pointers into the request.
    """

    target: list[str]
    classes: list[bool | int | str] | None
    predictions: list[Any]
    scores: list[list[float | None]] | None
    nonfinite: dict[str, str]
    unknown: list[Problem]


async def _rows(request: Request, settings: SettingsDep) -> tuple[str, bytes]:
    """The body's media type and the body.

    Raises:
        UnsupportedMediaType: it is neither JSON nor CSV.
        TooLarge: it is longer than the limit.

    """
    return await read_body(request, (_JSON, CSV), settings.max_predict_bytes)


@router.post(
    "/{job_id}/predict",
    response_model=PredictionsView,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}, 503: RESPONSES[409]},
    openapi_extra=_ROWS_BODY,
)
def predict(
    job_id: UUID,
    rows: Annotated[tuple[str, bytes], Depends(_rows)],
    sessions: SessionsDep,
    store: StoreDep,
    predictor: PredictorDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Predict rows in the dataset's own columns, through the job's own preprocessing; `text/csv` by Accept.

    409 with the reason until the job has a model; 503 while too many predictions wait.
    """
    wanted = choose(accept, (_JSON, CSV))
    with sessions.read() as session:
        made = prediction.find(session, job_id)
    media_type, body = rows
    with made.opened(store) as trained:
        content = predictor.predict(trained, body, media_type, wanted)
    return Response(content, media_type=wanted, headers={"Vary": "Accept"})
