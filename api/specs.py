"""Specs before they are jobs: the schema of the language, and the compile report."""

from typing import Any

from fastapi import APIRouter

from api import openapi
from api.body import JsonBody
from api.dependencies import SessionsDep, SettingsDep
from api.problems import RESPONSES
from service import datasets
from stackyard.spec import JobSpec, Report, check, parse

router = APIRouter(prefix="/v1", tags=["specs"], responses=RESPONSES)


@router.post("/specs/check", openapi_extra=openapi.SPEC_BODY)
def check_spec(body: JsonBody, sessions: SessionsDep, settings: SettingsDep) -> Report:
    """Answer every default filled in, and each layer's output shape and parameters; or all errors at once."""
    spec = parse(body, settings.limits)
    with sessions.read() as session:
        dataset = datasets.find(session, spec.data.dataset)
    return check(spec, datasets.description(dataset), settings.limits)


@router.get("/schemas/job")
def job_schema() -> dict[str, Any]:
    """The JSON Schema of a job's spec."""
    return JobSpec.model_json_schema()
