"""Pictures of a job's results: its learning curves, and where its network errs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.app_state import RendererDep, SessionsDep
from api.http import etags
from api.http.etags import IfNoneMatch
from api.http.problem_documents import RESPONSES
from api.http.validation import ONE_LINE
from api.jobs.history import MAX_EPOCH
from service.charts import evaluation_chart, learning_curve
from service.charts.chart_style import Document, Look
from service.charts.colors import Theme
from service.charts.learning_curve import CurveRequest
from service.charts.renderer import Format, Renderer, fingerprint
from service.charts.scales import Scale

_TYPES: dict[Format, str] = {"svg": "image/svg+xml", "png": "image/png"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(
    prefix="/v1/jobs",
    tags=["results"],
    default_response_class=Response,
    responses={**RESPONSES, 200: {"content": dict.fromkeys(_TYPES.values(), _BINARY)}},
)


def _look(
    theme: Theme = "light",
    width: Annotated[int, Query(ge=320, le=1600)] = 640,
    height: Annotated[int | None, Query(ge=160, le=4000)] = None,
) -> Look:
    return Look(theme, width, height)


def _curve_request(
    look: Annotated[Look, Depends(_look)],
    metrics: Annotated[str, Query(max_length=2000, pattern=ONE_LINE)] = "",
    from_epoch: Annotated[int, Query(ge=0, le=MAX_EPOCH)] = 0,
    scale: Scale = "auto",
) -> CurveRequest:
    names = [name.strip() for name in metrics.split(",")]
    return CurveRequest([name for name in names if name], from_epoch, scale, look)


@router.get("/{job_id}/curve.{form}")
def get_curve(
    job_id: UUID,
    form: Format,
    asked: Annotated[CurveRequest, Depends(_curve_request)],
    sessions: SessionsDep,
    renderer: RendererDep,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Draw the job's learning curves as `svg` or `png`; before the first epoch the picture says that there is none.

    `metrics` are names with commas between them. `scale` is logarithmic by itself where values span two decades.
    `width` and `height` are the picture's in pixels, of which a PNG has two for each.
    """
    with sessions.read() as session:
        document = learning_curve.curve(session, job_id, asked)
    return _picture(renderer, document, form, if_none_match)


@router.get("/{job_id}/evaluation.{form}")
def get_evaluation(
    job_id: UUID,
    form: Format,
    look: Annotated[Look, Depends(_look)],
    sessions: SessionsDep,
    renderer: RendererDep,
    column: Annotated[str | None, Query(max_length=200)] = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Draw a classifier's confusion matrix, or a regressor's residuals of one target `column`, as `svg` or `png`.

    409 with the reason until there is something to draw.
    """
    with sessions.read() as session:
        document = evaluation_chart.evaluation(session, job_id, column, look)
    return _picture(renderer, document, form, if_none_match)


def _picture(renderer: Renderer, document: Document, form: Format, if_none_match: str) -> Response:
    """The picture, or 304 where the client has it; a chart that has not changed is not drawn again."""
    headers = {
        "ETag": f'"{fingerprint(document, form)}"',
        "Cache-Control": "private, no-cache",
        # An SVG that is opened by itself is a page of this origin: nothing in it may run or be loaded.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if etags.has(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(renderer.draw(document, form), media_type=_TYPES[form], headers=headers)
