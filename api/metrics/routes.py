"""Route of `/metrics`."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from api.app_state import get_app_state
from api.metrics.token_access import METRICS_PATH

router = APIRouter(tags=["health"])


@router.get(
    METRICS_PATH,
    response_class=Response,
    responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}},
)
def read_metrics(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """Return metrics for Prometheus: of the installation, and of the requests to this process.

    Besides the server's token, `STACKYARD_METRICS_TOKEN` admits to this route, and to no other.
    """
    content, media_type = get_app_state(request).metrics.render(accept)
    return Response(content, headers={"Content-Type": media_type})
