"""The files that a job made."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from api.app_state import SessionsDep, StoreDep
from api.http import etags
from api.http.etags import IfNoneMatch
from api.http.problem_documents import RESPONSES
from models import Artifact
from service.results import job_artifacts

router = APIRouter(prefix="/v1/jobs", tags=["results"], responses=RESPONSES)

_BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/{job_id}/model", response_class=FileResponse, responses={200: _BINARY})
def get_model(job_id: UUID, sessions: SessionsDep, store: StoreDep, if_none_match: IfNoneMatch = "") -> Response:
    """Stream the trained network as a `.keras` file; 409 with the reason until there is one."""
    with sessions.read() as session:
        model = job_artifacts.artifact(session, job_id, "model")
    return _file(model, store, if_none_match, filename=f"{job_id}.keras")


@router.get("/{job_id}/summary", response_class=FileResponse, responses={200: {"content": {"text/plain": {}}}})
def get_summary(
    job_id: UUID,
    sessions: SessionsDep,
    store: StoreDep,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Tell Keras's own summary of the network."""
    with sessions.read() as session:
        summary = job_artifacts.artifact(session, job_id, "summary")
    return _file(summary, store, if_none_match)


def _file(artifact: Artifact, store: StoreDep, if_none_match: str, filename: str | None = None) -> Response:
    headers = {"ETag": f'"{artifact.sha256}"', "Cache-Control": "private, no-cache"}
    if etags.has(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    with ExitStack() as stack:
        path = stack.enter_context(job_artifacts.opened(artifact, store))
        return _HeldFile(
            path,
            media_type=artifact.media_type,
            filename=filename,
            headers=headers,
            stat_result=path.stat(),
            held=stack.pop_all(),
        )


class _HeldFile(FileResponse):
    """A file that is held until the last of it is sent."""

    def __init__(self, path: Path, *, held: ExitStack, **options: Any) -> None:
        super().__init__(path, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)
