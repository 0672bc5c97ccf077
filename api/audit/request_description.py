"""What the audit records of a request: who makes it, and on what it acts."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from starlette.types import Scope

from api.access.permissions import PERMISSIONS, Permission
from models import TokenScope
from service.team.audit.audited_request import AuditedRequest
from service.team.principal import Principal

_OBJECT_TYPES = (
    (re.compile(r"/v1/jobs\b"), "job", "job_id"),
    (re.compile(r"/v1/datasets\b"), "dataset", "dataset_id"),
    (re.compile(r"/v1/sweeps\b"), "sweep", "sweep_id"),
    (re.compile(r"/v1/users/\{user\}/tokens\b"), "token", None),
    (re.compile(r"/v1/users\b"), "user", "user"),
    (re.compile(r"/v1/projects/\{project_id\}/members\b"), "user", "user"),
    (re.compile(r"/v1/projects\b"), "project", "project_id"),
    (re.compile(r"/v1/(tokens|session)\b"), "token", "token_id"),
    (re.compile(r"/v1/workers\b"), "worker", "worker_id"),
)
"""The type of the object of a route, and the parameter of its path that names the object."""
_NO_ROUTE = "(no route)"
_SESSION_ACTIONS = frozenset({"POST /v1/session", "DELETE /v1/session", "GET /v1/session/oidc/callback"})
"""Writes of strangers: the logins and the logout."""


def describe_request(scope: Scope, *, status: int = 200) -> AuditedRequest:
    """Describe a request for the audit.

    Args:
        scope: of the request. A client cannot choose the text of its route, unlike that of its path.
        status: the HTTP status of its response.

    """
    route = scope["route"].path if "route" in scope else _NO_ROUTE
    parameters: Mapping[str, Any] = scope.get("path_params", {})
    action = f"{scope['method']} {route}"
    object_type, parameter = _find_object_type(route)
    reference = str(parameters.get(parameter or "", "")) or None
    object_id = _parse_id(reference)
    principal: Principal | None = scope.get("state", {}).get("principal")
    client = scope.get("client")
    request = AuditedRequest(
        action,
        status,
        object_type=object_type,
        object_id=object_id,
        object_name=reference if object_type == "user" and object_id is None else None,
        project_id=_parse_id(str(parameters.get("project_id", ""))),
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        client=client[0] if client else None,
    )
    if principal is not None:
        request.user_id, request.user_name = principal.user_id, principal.user_name
        request.token_id, request.token_prefix = principal.token_id, principal.token_prefix
    return request


def is_write(action: str) -> bool:
    """Return whether the method and the route of a request are those of one that changes something."""
    permission: Permission | None = PERMISSIONS.get(action)
    if action in _SESSION_ACTIONS:
        return True
    return not action.startswith("GET ") and permission is not None and permission.scope is not TokenScope.READ


def _find_object_type(route: str) -> tuple[str | None, str | None]:
    return next(((kind, name) for pattern, kind, name in _OBJECT_TYPES if pattern.match(route)), (None, None))


def _parse_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
