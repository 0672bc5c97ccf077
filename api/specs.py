"""Routes for specs that are not jobs yet: check a spec, import a Keras network, get the JSON Schema."""

from functools import cache
from typing import Any

from fastapi import APIRouter
from pydantic.json_schema import GenerateJsonSchema

from api.app_state import SessionsDep, SettingsDep
from api.http import body_examples, openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody
from api.jobs.schemas import DatasetReference
from models import Dataset
from service.datasets import catalog
from service.queue import placement
from stackyard.spec import JobSpec, Report, check_spec, parse_spec
from stackyard.spec.keras_json import ImportedModel, parse_keras_json

router = APIRouter(prefix="/v1", tags=["specs"], responses=RESPONSES)

_KERAS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The result of `model.to_json()`, or the `config.json` of a `.keras` file.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": body_examples.KERAS_MODEL}},
    },
}


class ReportView(Report):
    """The report of a check, with the versions of the datasets that the job would use."""

    dataset: DatasetReference
    test_dataset: DatasetReference | None


@router.post("/specs/check", openapi_extra=openapi.SPEC_BODY)
def get_check_report(body: JsonBody, sessions: SessionsDep, settings: SettingsDep) -> ReportView:
    """Check a spec. Returns the spec with defaults, shapes, parameters and warnings, or all errors at once."""
    spec = parse_spec(body, settings.limits)
    with sessions.read() as session:
        dataset = catalog.find_dataset(session, spec.data.dataset)
        test_dataset = catalog.find_test_dataset(session, spec)
        backend = placement.choose_backend(session, spec, placement.choose_queue(session, spec.run.device))
    test_description = None if test_dataset is None else catalog.parse_description(test_dataset)
    report = check_spec(spec, catalog.parse_description(dataset), settings.limits, test_description)
    return ReportView.model_construct(
        **dict(report.model_copy(update={"backend": backend})),
        dataset=_build_reference(dataset),
        test_dataset=None if test_dataset is None else _build_reference(test_dataset),
    )


def _build_reference(dataset: Dataset) -> DatasetReference:
    return DatasetReference(id=dataset.id, name=dataset.name, version=dataset.version)


@router.post("/specs/import", openapi_extra=_KERAS_BODY)
def import_network(body: JsonBody, settings: SettingsDep) -> ImportedModel:
    """Convert the JSON of a Keras model to a network of the spec language, or list everything it cannot express."""
    return parse_keras_json(body, settings.limits)


@router.get("/schemas/job")
def get_job_schema() -> dict[str, Any]:
    """Get the JSON Schema of a spec."""
    return _build_schema()


@cache  # building the schema is slow
def _build_schema() -> dict[str, Any]:
    return {"$schema": GenerateJsonSchema.schema_dialect, **JobSpec.model_json_schema()}
