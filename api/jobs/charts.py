"""Routes of charts: learning curves, confusion matrices and residuals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.app_state import RendererDep, SessionsDep
from api.http import etags
from api.http.etags import IfNoneMatch
from api.http.problem_documents import RESPONSES
from api.http.validation import ONE_LINE
from api.jobs.history import FromEpoch
from service.charts import evaluation_chart, learning_curve
from service.charts.chart_style import ChartStyle, Document
from service.charts.colors import Theme
from service.charts.learning_curve import CurveRequest
from service.charts.renderer import ImageFormat, Renderer, compute_fingerprint
from service.charts.scales import Scale

_MEDIA_TYPES: dict[ImageFormat, str] = {"svg": "image/svg+xml", "png": "image/png"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(
    prefix="/v1/jobs",
    tags=["results"],
    default_response_class=Response,
    responses={**RESPONSES, 200: {"content": dict.fromkeys(_MEDIA_TYPES.values(), _BINARY)}},
)


def _parse_style(
    theme: Theme = "light",
    width: Annotated[int, Query(ge=320, le=1600)] = 640,
    height: Annotated[int | None, Query(ge=160, le=4000)] = None,
) -> ChartStyle:
    return ChartStyle(theme, width, height)


def _parse_curve_request(
    style: Annotated[ChartStyle, Depends(_parse_style)],
    metrics: Annotated[str, Query(max_length=2000, pattern=ONE_LINE)] = "",
    from_epoch: FromEpoch = 0,
    scale: Scale = "auto",
) -> CurveRequest:
    names = [name.strip() for name in metrics.split(",")]
    return CurveRequest([name for name in names if name], from_epoch, scale, style)


@router.get("/{job_id}/curve.{form}")
def get_curve(
    job_id: UUID,
    form: ImageFormat,
    curve_request: Annotated[CurveRequest, Depends(_parse_curve_request)],
    sessions: SessionsDep,
    renderer: RendererDep,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Draw the learning curves of a job as `svg` or `png`. Before the first epoch, the chart says that it is empty.

    Epochs count from 1. If there are many, the line shows medians, and the values themselves are faint.
    `metrics` are names separated by commas. With `scale=auto`, the axis is logarithmic where values span two decades.
    `width` and `height` are in CSS pixels; a PNG has two device pixels for each.
    """
    with sessions.read() as session:
        document = learning_curve.build_learning_curve(session, job_id, curve_request)
    return _respond_chart(renderer, document, form, if_none_match)


@router.get("/{job_id}/evaluation.{form}")
def get_evaluation(
    job_id: UUID,
    form: ImageFormat,
    style: Annotated[ChartStyle, Depends(_parse_style)],
    sessions: SessionsDep,
    renderer: RendererDep,
    column: Annotated[str | None, Query(max_length=200)] = None,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Draw the confusion matrix of a classifier, or the residuals of a regressor for one target `column`.

    The format is `svg` or `png`. The status is 409 while the job has no evaluation.
    """
    with sessions.read() as session:
        document = evaluation_chart.build_evaluation_chart(session, job_id, column, style)
    return _respond_chart(renderer, document, form, if_none_match)


def _respond_chart(renderer: Renderer, document: Document, form: ImageFormat, if_none_match: str) -> Response:
    """Return the chart, or 304 if the client has it. An unchanged chart is not drawn again."""
    headers = {
        "ETag": f'"{compute_fingerprint(document, form)}"',
        "Cache-Control": "private, no-cache",
        # A browser treats an SVG document as a page of this origin: it must not run scripts or load anything.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if etags.matches_etag(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(renderer.render_chart(document, form), media_type=_MEDIA_TYPES[form], headers=headers)
