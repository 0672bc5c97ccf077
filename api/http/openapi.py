"""Additions to the OpenAPI document: the types of the spec language, whose bodies FastAPI does not parse."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from api.access.session_cookie import COOKIE_NAME
from api.http import body_examples
from stackyard.spec import JobChanges, JobContinuation, JobResumption
from stackyard.sweep import SweepSpec
from stackyard.sweep.requests.sweep_changes import SweepChanges

_COMPONENTS = "#/components/schemas/"

SPEC_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}JobSpec"}, "example": body_examples.SPEC}},
    },
}
"""OpenAPI fields of an operation whose body is a spec."""

CHANGES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"{_COMPONENTS}JobChanges"}, "example": body_examples.CHANGES}
        },
    },
}
"""OpenAPI fields of an operation whose body changes a job."""

SWEEP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"{_COMPONENTS}SweepSpec"}, "example": body_examples.SWEEP}
        },
    },
}
"""OpenAPI fields of an operation whose body is a sweep."""


SWEEP_CHANGES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"{_COMPONENTS}SweepChanges"},
                "example": body_examples.SWEEP_CHANGES,
            },
        },
    },
}
"""OpenAPI fields of an operation whose body changes a sweep."""

RESUMPTION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {"schema": JobResumption.model_json_schema(), "example": body_examples.RESUMPTION}
        },
    },
}
"""OpenAPI fields of an operation that resumes a job."""

CONTINUATION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": JobContinuation.model_json_schema(), "example": body_examples.CONTINUATION}
        },
    },
}
"""OpenAPI fields of an operation that trains a job further."""


def build_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Return OpenAPI fields of an operation whose body is a model without models of its own."""
    content = {"application/json": {"schema": model.model_json_schema(), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def build_changes_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Return OpenAPI fields as `build_body`; omitted fields stay unchanged, so that no field has a default."""
    fields = build_body(model, example)
    for field in fields["requestBody"]["content"]["application/json"]["schema"]["properties"].values():
        field.pop("default", None)
    return fields


_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of a user, or the server's."},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME, "description": "For browsers, after a login."},
}


def install_spec_schemas(app: FastAPI) -> None:
    """Add the types of the spec language to the components of `app.openapi`, and how a client shows the token."""
    build_default_document = app.openapi

    def build_document() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build_default_document()
            schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
            sweep = SweepSpec.model_json_schema(ref_template=f"{_COMPONENTS}{{model}}")
            # They replace those that FastAPI derives from responses, which lack the short forms.
            schemas |= {**sweep.pop("$defs", {}), "SweepSpec": sweep, **_build_changes_schemas()}
            _remove_null_parameters(document)
            document["components"]["securitySchemes"] = _SECURITY_SCHEMES
            document["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        return app.openapi_schema or build_default_document()

    app.openapi = build_document


def _remove_null_parameters(document: dict[str, Any]) -> None:
    """Remove null from the types of parameters: an optional parameter is left out, and the text `null` is no null."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for parameter in [parameter for operation in operations for parameter in operation.get("parameters", [])]:
        schema = parameter["schema"]
        variants = [variant for variant in schema.get("anyOf", []) if variant != {"type": "null"}]
        if len(variants) == 1:
            del schema["anyOf"]
            parameter["schema"] = schema | variants[0]


def _build_changes_schemas() -> dict[str, Any]:
    """Return the schemas of changes by their names. Omitted fields stay unchanged, so no field has a default."""
    schemas: dict[str, Any] = {}
    for changes in (JobChanges, SweepChanges):
        schema = changes.model_json_schema(ref_template=f"{_COMPONENTS}{{model}}")
        schema.pop("$defs", None)
        for field in schema["properties"].values():
            field.pop("default", None)
        schemas[changes.__name__] = schema
    return schemas
