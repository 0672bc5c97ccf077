"""The permission that each route requires. A route without one does not start."""

from dataclasses import dataclass
from enum import StrEnum

from models import ProjectRole, TokenScope


class Target(StrEnum):
    """What a route acts on, and so whose permission counts."""

    PUBLIC = "public"
    """Nothing that is protected: the health check, the login."""
    NONE = "none"
    """No single object: lists, checks, schemas. They show what the principal sees."""
    PROJECT = "project"
    """The project of the request, in which it creates something."""
    JOB = "job"
    DATASET = "dataset"
    SWEEP = "sweep"
    ACCOUNT = "account"
    """The user of the request, and their tokens."""
    MEMBERS = "members"
    """A project that the path names, and its members."""
    SERVER = "server"
    """The server as a whole: users, workers, the audit. Only admins act on it."""


@dataclass(frozen=True)
class Permission:
    """The scope that the token needs, and the role that its user needs in the project of the target."""

    target: Target
    scope: TokenScope = TokenScope.READ
    role: ProjectRole = ProjectRole.VIEWER


def _require_editor(target: Target) -> Permission:
    return Permission(target, TokenScope.SUBMIT, ProjectRole.EDITOR)


_PUBLIC = Permission(Target.PUBLIC)
_READ = Permission(Target.NONE)
_SHOW_ACCOUNT = Permission(Target.ACCOUNT)
_CHANGE_ACCOUNT = Permission(Target.ACCOUNT, TokenScope.ADMIN)
_CHANGE_MEMBERS = Permission(Target.MEMBERS, TokenScope.ADMIN, ProjectRole.OWNER)
_ADMINISTER = Permission(Target.SERVER, TokenScope.ADMIN)

PERMISSIONS: dict[str, Permission] = {
    "GET /healthz": _PUBLIC,
    "GET /readyz": _READ,
    "GET /metrics": Permission(Target.SERVER),
    "GET /v1/session": _PUBLIC,
    "POST /v1/session": _PUBLIC,
    "DELETE /v1/session": _PUBLIC,
    # Specs and schemas
    "GET /v1/schemas/job": _READ,
    "GET /v1/schemas/sweep": _READ,
    "POST /v1/specs/check": _READ,
    "POST /v1/specs/import": _READ,
    "POST /v1/sweeps/check": _READ,
    # Datasets; those that a path names by `ref` are found among the visible ones.
    "GET /v1/datasets": _READ,
    "POST /v1/datasets": _require_editor(Target.PROJECT),
    "GET /v1/datasets/{dataset_id}": Permission(Target.DATASET),
    "DELETE /v1/datasets/{dataset_id}": _require_editor(Target.DATASET),
    "GET /v1/datasets/{ref:path}/proposal": _READ,
    "GET /v1/datasets/{ref:path}/statistics": _READ,
    "GET /v1/datasets/{ref:path}/preview": _READ,
    # Jobs
    "GET /v1/jobs": _READ,
    "GET /v1/jobs/counts": _READ,
    "POST /v1/jobs": _require_editor(Target.PROJECT),
    "POST /v1/jobs/actions": Permission(Target.NONE, TokenScope.SUBMIT),
    "GET /v1/jobs/{job_id}": Permission(Target.JOB),
    "PATCH /v1/jobs/{job_id}": _require_editor(Target.JOB),
    "DELETE /v1/jobs/{job_id}": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/cancel": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/pause": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/resume": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/finish": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/retry": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/continue": _require_editor(Target.JOB),
    "POST /v1/jobs/{job_id}/predict": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/spec": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/events": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/history": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/curve.{form}": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/evaluation.{form}": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/model": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/summary": Permission(Target.JOB),
    "GET /v1/jobs/{job_id}/script": Permission(Target.JOB),
    "GET /v1/compare": _READ,
    "GET /v1/events": _READ,
    # Sweeps
    "GET /v1/sweeps": _READ,
    "POST /v1/sweeps": _require_editor(Target.PROJECT),
    "GET /v1/sweeps/{sweep_id}": Permission(Target.SWEEP),
    "PATCH /v1/sweeps/{sweep_id}": _require_editor(Target.SWEEP),
    "DELETE /v1/sweeps/{sweep_id}": _require_editor(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/cancel": _require_editor(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/finish": _require_editor(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/pause": _require_editor(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/resume": _require_editor(Target.SWEEP),
    "GET /v1/sweeps/{sweep_id}/trials": Permission(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/trials": _require_editor(Target.SWEEP),
    "GET /v1/sweeps/{sweep_id}/trials/{number}": Permission(Target.SWEEP),
    "POST /v1/sweeps/{sweep_id}/trials/{number}/value": _require_editor(Target.SWEEP),
    "GET /v1/sweeps/{sweep_id}/best": Permission(Target.SWEEP),
    "GET /v1/sweeps/{sweep_id}/results": Permission(Target.SWEEP),
    "GET /v1/sweeps/{sweep_id}/table": Permission(Target.SWEEP),
    # Workers
    "GET /v1/workers": _READ,
    "GET /v1/workers/usage": _READ,
    "GET /v1/workers/{worker_id}": _READ,
    "POST /v1/workers/{worker_id}/drain": _ADMINISTER,
    "DELETE /v1/workers/{worker_id}/drain": _ADMINISTER,
    # The user of the request, and their tokens
    "GET /v1/account": _SHOW_ACCOUNT,
    "GET /v1/tokens": _SHOW_ACCOUNT,
    "POST /v1/tokens": _CHANGE_ACCOUNT,
    "POST /v1/tokens/{token_id}/rotate": _CHANGE_ACCOUNT,
    "DELETE /v1/tokens/{token_id}": _CHANGE_ACCOUNT,
    # Projects
    "GET /v1/projects": _READ,
    "POST /v1/projects": _ADMINISTER,
    "GET /v1/projects/{project_id}": Permission(Target.MEMBERS),
    # A name is unique on the server: an owner who may choose one would find out the names of other projects.
    "PATCH /v1/projects/{project_id}": _ADMINISTER,
    "DELETE /v1/projects/{project_id}": _CHANGE_MEMBERS,
    "PUT /v1/projects/{project_id}/members/{user}": _CHANGE_MEMBERS,
    "DELETE /v1/projects/{project_id}/members/{user}": _CHANGE_MEMBERS,
    # Users
    "GET /v1/users": _ADMINISTER,
    "POST /v1/users": _ADMINISTER,
    "GET /v1/users/{user}": _ADMINISTER,
    "PATCH /v1/users/{user}": _ADMINISTER,
    "DELETE /v1/users/{user}": _ADMINISTER,
    "POST /v1/users/{user}/tokens": _ADMINISTER,
    # Records
    "GET /v1/audit": _ADMINISTER,
    "GET /v1/usage": _READ,
}
"""By the method and the path of each route."""

OPTIONAL_PERMISSIONS: dict[str, Permission] = {
    "GET /v1/session/oidc/start": _PUBLIC,
    "GET /v1/session/oidc/callback": _PUBLIC,
}
"""Those of the routes that an application has only with certain settings."""
