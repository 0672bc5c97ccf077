"""Routes of the files that a job produced."""

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

_BINARY_CONTENT = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/{job_id}/model", response_class=FileResponse, responses={200: _BINARY_CONTENT})
def get_model(job_id: UUID, sessions: SessionsDep, store: StoreDep, if_none_match: IfNoneMatch = "") -> Response:
    """Download the trained network as a `.keras` file. The status is 409 while the job has none."""
    with sessions.read() as session:
        model = job_artifacts.get_artifact(session, job_id, "model")
    return _send_artifact(model, store, if_none_match, filename=f"{job_id}.keras")


@router.get("/{job_id}/summary", response_class=FileResponse, responses={200: {"content": {"text/plain": {}}}})
def get_summary(
    job_id: UUID,
    sessions: SessionsDep,
    store: StoreDep,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Get the summary of the network, as Keras prints it."""
    with sessions.read() as session:
        summary = job_artifacts.get_artifact(session, job_id, "summary")
    return _send_artifact(summary, store, if_none_match)


def _send_artifact(artifact: Artifact, store: StoreDep, if_none_match: str, filename: str | None = None) -> Response:
    headers = {"ETag": f'"{artifact.sha256}"', "Cache-Control": "private, no-cache"}
    if etags.matches_etag(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    with ExitStack() as stack:
        path = stack.enter_context(job_artifacts.open_artifact(artifact, store))
        return _OpenFileResponse(
            path,
            media_type=artifact.media_type,
            filename=filename,
            headers=headers,
            stat_result=path.stat(),
            open_files=stack.pop_all(),
        )


class _OpenFileResponse(FileResponse):
    """A file response that keeps its file open, and so on disk, until all of it is sent."""

    def __init__(self, path: Path, *, open_files: ExitStack, **options: Any) -> None:
        super().__init__(path, **options)
        self._open_files = open_files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._open_files:
            await super().__call__(scope, receive, send)
