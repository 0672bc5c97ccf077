"""Routes of `/v1/projects` and `/v1/account`: projects, their members, and who makes the request."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from api.access.authorization import PrincipalDep
from api.app_state import AllSessionsDep
from api.http import body_examples, openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody, parse_body
from api.team.schemas import (
    AccountView,
    MemberRequest,
    MemberView,
    ProjectDetailsView,
    ProjectList,
    ProjectRequest,
    ProjectView,
    UserView,
)
from models import Project, UserRole
from service.db.database import SessionFactory
from service.team import projects, users
from service.team.principal import Principal

router = APIRouter(prefix="/v1", tags=["projects"], responses=RESPONSES)

UserReference = Annotated[str, Path(description="The id or the name of a user.", max_length=200)]


@router.get("/account", tags=["users"])
def get_account(sessions: AllSessionsDep, principal: PrincipalDep) -> AccountView:
    """Get the user of the request, what the token permits, the projects, and the project of the request.

    `X-Stackyard-Project` chooses that project, by id or name.
    """
    with sessions.read() as session:
        user = None if principal.user_id is None else users.get_user(session, principal.user_id)
        visible = projects.list_projects(session, principal)
    return AccountView(
        user=None if user is None else UserView.model_validate(user),
        role=UserRole.ADMIN if principal.is_admin else UserRole.MEMBER,
        scope=principal.scope,
        project=principal.project_id,
        projects=[_build_view(project, principal) for project in visible],
    )


@router.get("/projects")
def list_projects(sessions: AllSessionsDep, principal: PrincipalDep) -> ProjectList:
    """List the projects that the user sees, by name."""
    with sessions.read() as session:
        visible = projects.list_projects(session, principal)
    return ProjectList(items=[_build_view(project, principal) for project in visible])


@router.post("/projects", status_code=201, openapi_extra=openapi.build_body(ProjectRequest, body_examples.PROJECT))
def add_project(
    body: JsonBody, sessions: AllSessionsDep, principal: PrincipalDep, response: Response
) -> ProjectDetailsView:
    """Add a project. The user who adds it is its owner."""
    request = parse_body(ProjectRequest, body)
    with sessions.begin() as session:
        project_id = projects.add_project(session, request.name, principal.user_id).id
    response.headers["Location"] = f"/v1/projects/{project_id}"
    return _load_details(sessions, project_id, principal)


@router.get("/projects/{project_id}")
def get_project(project_id: UUID, sessions: AllSessionsDep, principal: PrincipalDep) -> ProjectDetailsView:
    """Get a project with its members."""
    return _load_details(sessions, project_id, principal)


@router.patch("/projects/{project_id}", openapi_extra=openapi.build_body(ProjectRequest, body_examples.PROJECT))
def rename_project(
    project_id: UUID, body: JsonBody, sessions: AllSessionsDep, principal: PrincipalDep
) -> ProjectDetailsView:
    """Change the name of a project, for admins."""
    request = parse_body(ProjectRequest, body)
    with sessions.begin() as session:
        projects.rename_project(session, projects.get_project(session, project_id, principal), request.name)
    return _load_details(sessions, project_id, principal)


@router.delete("/projects/{project_id}", status_code=204)
def delete_project(project_id: UUID, sessions: AllSessionsDep, principal: PrincipalDep) -> None:
    """Delete a project that has no jobs, datasets and sweeps."""
    with sessions.begin() as session:
        projects.delete_project(session, projects.get_project(session, project_id, principal))


@router.put(
    "/projects/{project_id}/members/{user}", openapi_extra=openapi.build_body(MemberRequest, body_examples.MEMBER)
)
def set_member(
    project_id: UUID, user: UserReference, body: JsonBody, sessions: AllSessionsDep, principal: PrincipalDep
) -> ProjectDetailsView:
    """Add a user to a project, or change their role: `viewer`, `editor` or `owner`. A repeat changes nothing."""
    role = parse_body(MemberRequest, body).role
    with sessions.begin() as session:
        projects.get_project(session, project_id, principal)
        projects.set_member(session, project_id, users.find_user(session, user).id, role)
    return _load_details(sessions, project_id, principal)


@router.delete("/projects/{project_id}/members/{user}", status_code=204)
def remove_member(project_id: UUID, user: UserReference, sessions: AllSessionsDep, principal: PrincipalDep) -> None:
    """Remove a user from a project. Their jobs, datasets and sweeps stay in it."""
    with sessions.begin() as session:
        projects.get_project(session, project_id, principal)
        projects.remove_member(session, project_id, users.find_user(session, user).id)


def _load_details(sessions: SessionFactory, project_id: UUID, principal: Principal) -> ProjectDetailsView:
    with sessions.read() as session:
        view = _build_view(projects.get_project(session, project_id, principal), principal)
        members = projects.list_members(session, project_id)
    member_views = [MemberView(user_id=member.user.id, name=member.user.name, role=member.role) for member in members]
    return ProjectDetailsView(**view.model_dump(), members=member_views)


def _build_view(project: Project, principal: Principal) -> ProjectView:
    return ProjectView(
        id=project.id, name=project.name, created_at=project.created_at, role=principal.roles.get(project.id)
    )
