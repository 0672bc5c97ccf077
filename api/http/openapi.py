"""The OpenAPI document: FastAPI's own, and the spec language, whose bodies FastAPI does not parse."""

from typing import Any

from fastapi import FastAPI

from stackyard.spec import JobChanges, JobSpec

_COMPONENTS = "#/components/schemas/"

SPEC_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}JobSpec"}}},
    },
}
"""What an endpoint that reads a spec adds to its operation."""

CHANGES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}JobChanges"}}},
    },
}
"""What an endpoint that reads changes of a job adds to its operation."""


def install(app: FastAPI) -> None:
    """Make `app.openapi` name the types of the spec language among its components."""
    stock = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = stock()
            schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
            spec = JobSpec.model_json_schema(ref_template=f"{_COMPONENTS}{{model}}")
            # Over FastAPI's own, which knows specs from responses alone: without short forms.
            schemas |= {**spec.pop("$defs", {}), "JobSpec": spec, "JobChanges": _changes()}
        return app.openapi_schema or stock()

    app.openapi = complete


def _changes() -> dict[str, Any]:
    """The schema of what may be changed: what is left out stays as it is, so that nothing has a default."""
    schema = JobChanges.model_json_schema()
    for member in schema["properties"].values():
        member.pop("default", None)
    return schema
