"""Specs before they are jobs: the schema of the language, the compile report, and networks out of Keras's JSON."""

from functools import cache
from typing import Any

from fastapi import APIRouter
from pydantic.json_schema import GenerateJsonSchema

from api.app_state import SessionsDep, SettingsDep
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody
from api.jobs.schemas import DatasetReference
from service.datasets import catalog
from stackyard.spec import JobSpec, Report, check, parse
from stackyard.spec.keras_json import Imported, read_keras

router = APIRouter(prefix="/v1", tags=["specs"], responses=RESPONSES)

_KERAS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What `model.to_json()` gives, or the `config.json` of a `.keras` file.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
}


class ReportView(Report):
    """What is known of a job before it queues, and the version of the dataset that it would train on."""

    dataset: DatasetReference


@router.post("/specs/check", openapi_extra=openapi.SPEC_BODY)
def check_spec(body: JsonBody, sessions: SessionsDep, settings: SettingsDep) -> ReportView:
    """Answer every default filled in, each layer's shape and parameters, and warnings; or all errors at once."""
    spec = parse(body, settings.limits)
    with sessions.read() as session:
        dataset = catalog.find(session, spec.data.dataset)
    report = check(spec, catalog.description(dataset), settings.limits)
    reference = DatasetReference(id=dataset.id, name=dataset.name, version=dataset.version)
    return ReportView.model_construct(**dict(report), dataset=reference)


@router.post("/specs/import", openapi_extra=_KERAS_BODY)
def import_network(body: JsonBody, settings: SettingsDep) -> Imported:
    """Answer a Keras model's network in the spec language; or name all that the language cannot say."""
    return read_keras(body, settings.limits)


@router.get("/schemas/job")
def job_schema() -> dict[str, Any]:
    """The JSON Schema of a job's spec."""
    return _schema()


@cache
def _schema() -> dict[str, Any]:
    # Composing it takes a quarter of a second.
    return {"$schema": GenerateJsonSchema.schema_dialect, **JobSpec.model_json_schema()}
