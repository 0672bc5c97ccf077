"""The dependency of every route: it checks whether the principal of the request may use it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import false, func, select
from starlette.concurrency import run_in_threadpool

from api.access.permissions import OPTIONAL_PERMISSIONS, PERMISSIONS, Permission, Target
from api.audit.request_description import describe_request, is_write
from models import Dataset, Job, ProjectRole, Sweep
from models.dataset import BUILTIN_MEDIA_TYPE
from service.db.database import SessionFactory
from service.errors import Forbidden, NotFound
from service.team.principal import Principal
from service.team.session_scope import ACROSS_PROJECTS, can_see_project, restrict_sessions

_ALL_PERMISSIONS = PERMISSIONS | OPTIONAL_PERMISSIONS
_TABLES: dict[Target, type[Job | Dataset | Sweep]] = {
    Target.JOB: Job,
    Target.DATASET: Dataset,
    Target.SWEEP: Sweep,
}
_UUID_ADAPTER = TypeAdapter(UUID)
"""The parser of ids in paths, the same as that of FastAPI."""

_ADD_USER = "POST /v1/users"
_NO_PROJECT = UUID(int=0)
"""Stands for the project of a missing object, so that its query returns a row, as that for a foreign one does."""


def check_all_routes_have_permissions(routers: Iterable[APIRouter]) -> None:
    """Check that each route has a row in the table of permissions.

    Raises:
        RuntimeError: a route has none.

    """
    for router in routers:
        for route in router.routes:
            missing = [key for key in _list_keys(route) if key not in _ALL_PERMISSIONS]
            if missing:
                raise RuntimeError(f"expected a permission in api.access.permissions for {', '.join(missing)}")


def get_principal(request: Request) -> Principal:
    """Return the principal of a request to a route that is not public."""
    return request.state.principal


PrincipalDep = Annotated[Principal, Depends(get_principal)]


async def authorize(request: Request) -> None:
    """Check that the principal may use the route, on the object that its path names.

    Raises:
        NotFound: the principal does not see the object; the answer is the same if it does not exist.
        Forbidden: the token or the role of the user does not permit it.

    """
    action = f"{request.method.replace('HEAD', 'GET')} {request.scope['route'].path}"
    permission = _ALL_PERMISSIONS[action]
    await _audit_write(request, action)
    if permission.target is Target.PUBLIC:
        return
    principal: Principal = request.state.principal
    if not principal.permits(permission.scope):
        raise Forbidden("scope_required", f"The token permits {principal.scope.value}; {permission.scope} is needed.")
    if principal.is_unrestricted:
        return
    project_id = await _find_project(request, permission, principal)
    if project_id is not None:
        if principal.audit is not None and permission.target in _TABLES:
            principal.audit.project_id = project_id
        check_role(principal, project_id, permission.role)


async def _audit_write(request: Request, action: str) -> None:
    """Let the sessions of a request that writes record it, on a server with users and for the first of them."""
    if not is_write(action):
        return
    if action != _ADD_USER and not await request.app.state.stackyard.authenticator.has_users():
        return
    request.state.audit = describe_request(request.scope, status=request.scope["route"].status_code or 200)
    if request.state.principal is not None:
        request.state.principal = replace(request.state.principal, audit=request.state.audit)


async def _find_project(request: Request, permission: Permission, principal: Principal) -> UUID | None:
    """Return the project whose role decides; None if none does."""
    match permission.target:
        case Target.SERVER:
            raise Forbidden("admin_required", "Only an admin may do this, with a token for all projects.")
        case Target.PROJECT:
            return principal.project_id
        case Target.MEMBERS:
            project_id = _parse_id(request, "project_id")
            if project_id is not None and not principal.can_see(project_id):
                raise NotFound("project", project_id)
            return project_id
        case Target.JOB | Target.DATASET | Target.SWEEP:
            return await _find_project_of_object(request, permission.target, principal)
        case _:
            return None


async def _find_project_of_object(request: Request, target: Target, principal: Principal) -> UUID | None:
    """Return the project of an object that the principal sees; None for a built-in dataset of another project.

    The query returns a row for each id, so that its time tells little about whether a foreign object exists.
    """
    object_id = _parse_id(request, f"{target.value}_id")
    if object_id is None:
        return None
    sessions = restrict_sessions(request.app.state.stackyard.sessions, principal)
    project_id = await run_in_threadpool(_load_project_id, sessions, _TABLES[target], object_id)
    if project_id is None:
        raise NotFound(target.value, object_id)
    return project_id if principal.can_see(project_id) else None


def _parse_id(request: Request, name: str) -> UUID | None:
    """Return an id in the path of a request; None if it is malformed, and then the route refuses it."""
    try:
        return _UUID_ADAPTER.validate_python(request.path_params[name])
    except ValidationError:
        return None


def _load_project_id(sessions: SessionFactory, table: type[Any], object_id: UUID) -> UUID | None:
    """Return the project of an object that the sessions see, which built-in datasets of all projects are."""
    project = select(table.project_id).where(table.id == object_id).scalar_subquery()
    is_builtin = select(Dataset.media_type == BUILTIN_MEDIA_TYPE).where(Dataset.id == object_id).scalar_subquery()
    columns = (func.coalesce(project, _NO_PROJECT), func.coalesce(is_builtin, false()))
    query = select(*columns if table is Dataset else columns[:1]).execution_options(**ACROSS_PROJECTS)
    with sessions.read() as session:
        project_id, *is_visible = session.execute(query).one()
        return project_id if can_see_project(session, project_id) or any(is_visible) else None


def check_role(principal: Principal, project_id: UUID, role: ProjectRole) -> None:
    """Check that the principal has a role in a project that they see.

    Raises:
        Forbidden: they do not.

    """
    if not principal.has_role(project_id, role):
        raise Forbidden("role_required", f"You are not {_ARTICLES[role]} {role.value} of the project.")


_ARTICLES = {ProjectRole.VIEWER: "a", ProjectRole.EDITOR: "an", ProjectRole.OWNER: "an"}


def _list_keys(route: Any) -> list[str]:
    return [f"{method} {route.path}" for method in sorted(route.methods - {"HEAD"})]
