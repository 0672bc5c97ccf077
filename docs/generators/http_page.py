"""Builds the page on the HTTP API, from the OpenAPI document of the application."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import Any

from api.app import create_app
from docs.generators.markdown import format_generated_note, format_table
from service.settings import Settings
from stackyard.spec import JobSpec

INTRODUCTION = """\
# HTTP API

{note}

A running server has the same as an interactive page at `/docs`, and as an OpenAPI document at `/openapi.json`.

- Where `STACKYARD_TOKEN` is set, every request needs the header `Authorization: Bearer TOKEN`.
- Times are UTC, in ISO 8601. Ids are UUIDs.
- Lists come in pages: send `next` of a page as `cursor` to get the one after it.
- Every error is a [problem document](#problemview) of type `application/problem+json`. Programs should look at its
  `code`; [error codes](errors.md) lists them all.
- Any request may also get 503 with `Retry-After`, while the database or the disk is away."""

_REFERENCE = "#/components/schemas/"
_COMMON_FAILURES = {"401", "404", "409", "413", "415", "422"}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "greater than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}

Json = Mapping[str, Any]


def build_http_page() -> str:
    """Return the page."""
    with TemporaryDirectory() as directory:
        document = create_app(Settings(data_dir=directory)).openapi()
    return "\n\n".join(filter(None, _list_sections(document))) + "\n"


def _list_sections(document: Json) -> Iterator[str]:
    yield INTRODUCTION.format(note=format_generated_note("the OpenAPI document"))
    operations = [
        (operation["tags"][0], method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag, members in groupby(operations, key=lambda member: member[0]):
        yield f"## {tag.capitalize()}"
        for _, method, path, operation in members:
            yield from _build_operation_section(method, path, operation)
    yield "## Schemas"
    yield "The objects in bodies and responses. A **required** field of a response is always there."
    components = document["components"]["schemas"]
    for name in _list_reachable_schemas([operation for *_, operation in operations], components):
        yield from _build_schema_section(name, components[name])


def _build_operation_section(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n\n{operation.get('description', '')}"
    if parameters := operation.get("parameters"):
        header = ("parameter", "in", "takes", "default", "meaning")
        yield format_table(header, [_list_parameter_cells(parameter) for parameter in parameters])
    if body := operation.get("requestBody"):
        yield f"Body: {_format_content(body['content'])}."
    responses = operation["responses"]
    rows = [_list_response_cells(status, response) for status, response in sorted(responses.items())]
    common = _COMMON_FAILURES.issubset(responses)
    shown = [row for row in rows if not common or row[0].strip("`") not in _COMMON_FAILURES]
    yield format_table(("status", "meaning", "body"), shown)
    if common:
        yield "Errors: 401, 404, 409, 413, 415 and 422, as [problem documents](#problemview)."


def _list_parameter_cells(parameter: Json) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = "**required**" if parameter.get("required") else _format_default(schema)
    meaning = parameter.get("description") or schema.get("description", "")
    return f"`{parameter['name']}`", parameter["in"], _describe_schema(schema), default, meaning


def _list_response_cells(status: str, response: Json) -> tuple[str, ...]:
    phrase = HTTPStatus(int(status)).phrase
    description = response.get("description", "")
    meaning = phrase if description in {"", phrase, "Successful Response"} else f"{phrase}: {description}"
    return f"`{status}`", meaning, _format_content(response.get("content", {}))


def _format_content(content: Json) -> str:
    pieces = []
    for media_type, body in content.items():
        schema = _describe_schema(body.get("schema", {}))
        pieces.append(f"`{media_type}`" + (f" ({schema})" if schema != "any value" else ""))
    return ", or ".join(pieces)


def _describe_schema(schema: Json) -> str:
    """Return a description of the values that a JSON Schema allows."""
    match schema:
        case {"$ref": reference}:
            text = _format_reference(reference)
        case {"anyOf": members} | {"oneOf": members} | {"allOf": members}:
            text = " or ".join(dict.fromkeys(_describe_schema(member) for member in members))
        case {"const": value}:
            text = f"`{value}`"
        case {"enum": values}:
            text = " or ".join(f"`{value}`" for value in values)
        case {"type": "array"}:
            text = f"array of {_describe_schema(schema.get('items', {}))}{_format_bounds(schema)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            text = f"object of {_describe_schema(values)}"
        case {"type": kind}:
            text = f"{schema.get('format', kind)}{_format_bounds(schema)}"
        case _:
            text = "any value"
    return text


def _format_reference(reference: str) -> str:
    name = reference.removeprefix(_REFERENCE)
    if name in _list_spec_schemas():
        return f"[{name}](spec.md)" if name != "JobSpec" else "[JobSpec](spec.md#jobspec)"
    return f"[{name}](#{name.lower()})"


def _format_bounds(schema: Json) -> str:
    phrases = [phrase.format(schema[keyword]) for keyword, phrase in _BOUNDS.items() if keyword in schema]
    return f", {' and '.join(phrases)}" if phrases else ""


def _format_default(schema: Json) -> str:
    default = schema.get("default")
    return "" if default is None or default == "" else f"`{json.dumps(default)}`"


def _build_schema_section(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n\n{schema.get('description', '')}".strip()
    if "enum" in schema:
        yield f"One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    if properties := schema.get("properties"):
        required = schema.get("required", ())
        rows = [
            (
                f"`{field}`",
                _describe_schema(member),
                "**required**" if field in required else _format_default(member),
                member.get("description", ""),
            )
            for field, member in properties.items()
        ]
        yield format_table(("field", "type", "default", "meaning"), rows)


def _list_reachable_schemas(operations: list[Json], components: Json) -> list[str]:
    """Return the schemas that operations name, directly or through others, without those of the spec language."""
    reachable: dict[str, None] = {}
    pending = _list_references(operations)
    while pending:
        name = pending.pop(0)
        if name not in reachable and name not in _list_spec_schemas():
            reachable[name] = None
            pending += _list_references(components[name])
    return sorted(reachable)


def _list_references(value: object) -> list[str]:
    return re.findall(rf"'\$ref': '{_REFERENCE}([^']+)'", repr(value))


@cache
def _list_spec_schemas() -> set[str]:
    return {"JobSpec", *JobSpec.model_json_schema()["$defs"]}
