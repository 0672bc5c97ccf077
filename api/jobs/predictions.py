"""Route of predictions by the trained network of a job."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel

from api.app_state import PredictorDep, SessionsDep, SettingsDep, StoreDep
from api.http import body_examples
from api.http.content_negotiation import choose_media_type
from api.http.problem_documents import RESPONSES
from api.http.request_body import read_body
from service import prediction
from service.datasets.dataset_source import CSV
from stackyard.spec import Fault

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
                            "description": "Objects keyed by column name, or nested lists for a dataset of arrays.",
                        },
                    },
                },
                "example": body_examples.ROWS,
            },
            CSV: {"schema": {"type": "string"}, "example": body_examples.ROWS_CSV},
        },
    },
}


class PredictionsView(BaseModel):
    """Predictions by row, in the units and values of the target.

    `predictions[i]` is a number, a class, or an object with a number per target column. Other networks return their
    outputs. `scores[i][j]` is the score of `classes[j]`; both are null if there are no classes. A number that is not
    finite is null; `nonfinite` has it as `NaN`, `Infinity` or `-Infinity`, keyed by a pointer into this response.
    `unknown` lists values that the column of the dataset did not have, with pointers into the request.
    """

    target: list[str]
    classes: list[bool | int | str] | None
    predictions: list[Any]
    scores: list[list[float | None]] | None
    nonfinite: dict[str, str]
    unknown: list[Fault]


async def _read_rows(request: Request, settings: SettingsDep) -> tuple[str, bytes]:
    """Read the media type of the body, and the body.

    Raises:
        UnsupportedMediaType: the body is neither JSON nor CSV.
        TooLarge: the body exceeds the limit.

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
    rows: Annotated[tuple[str, bytes], Depends(_read_rows)],
    sessions: SessionsDep,
    store: StoreDep,
    predictor: PredictorDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Predict rows that have the columns of the dataset. The job's preprocessing is applied to them.

    `Accept: text/csv` returns CSV. The status is 409 while the job has no model, and 503 while too many predictions
    wait.
    """
    response_type = choose_media_type(accept, (_JSON, CSV))
    with sessions.read() as session:
        artifacts = prediction.find_prediction_artifacts(session, job_id)
    media_type, body = rows
    with artifacts.open_files(store) as opened_artifacts:
        content = predictor.predict(opened_artifacts, body, media_type, response_type)
    return Response(content, media_type=response_type, headers={"Vary": "Accept"})
