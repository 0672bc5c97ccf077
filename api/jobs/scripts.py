"""Route that exports a job as a script of stock Keras."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from service.results import job_script

router = APIRouter(prefix="/v1/jobs", tags=["results"], responses=RESPONSES)

_PYTHON_MEDIA_TYPE = "text/x-python"


@router.get(
    "/{job_id}/script",
    response_class=Response,
    responses={200: {"content": {_PYTHON_MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def get_script(job_id: UUID, sessions: SessionsDep) -> Response:
    """Export a Python script that does the same training with pandas, scikit-learn and Keras."""
    with sessions.read() as session:
        script = job_script.build_script(session, job_id)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.py"'}
    return Response(script, media_type=_PYTHON_MEDIA_TYPE, headers=headers)
