"""Routes for sweeps that are not submitted yet: check a sweep, get the JSON Schema."""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic.json_schema import GenerateJsonSchema

from api.app_state import SessionsDep, SettingsDep, get_app_state
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import read_json_body
from api.sweeps.report_schemas import SweepReportView
from service.sweeps.validation import check_sweep
from stackyard.sweep import SweepSpec, widen_limits

router = APIRouter(prefix="/v1", tags=["sweeps"], responses=RESPONSES)


async def _read_sweep_body(request: Request) -> bytes:
    """Read the body of a sweep, which may be larger than a spec because it may list many."""
    return await read_json_body(request, widen_limits(get_app_state(request).settings.limits).max_json_bytes)


SweepBody = Annotated[bytes, Depends(_read_sweep_body)]


@router.post("/sweeps/check", openapi_extra=openapi.SWEEP_BODY)
def get_sweep_report(body: SweepBody, sessions: SessionsDep, settings: SettingsDep) -> SweepReportView:
    """Check a sweep before it runs. Returns its size, its rungs, an estimate of its duration, and warnings.

    Up to 200 trials are built and checked as jobs: the center and the corners of the space, and random ones. The
    report says how many of them are not valid, and why. If none is valid, the answer is 422 with the errors.
    """
    with sessions.read() as session:
        return SweepReportView.of(check_sweep(session, body, settings.limits))


@router.get("/schemas/sweep")
def get_sweep_schema() -> dict[str, Any]:
    """Get the JSON Schema of a sweep."""
    return _build_schema()


@cache  # building the schema is slow
def _build_schema() -> dict[str, Any]:
    return {"$schema": GenerateJsonSchema.schema_dialect, **SweepSpec.model_json_schema()}
