"""Principals: who makes a request, what they may do, and the project they work in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from models import DEFAULT_PROJECT_ID, ProjectRole, TokenScope
from service.team.audit.audited_request import AuditedRequest

_SCOPES = tuple(TokenScope)
_ROLES = tuple(ProjectRole)


@dataclass(frozen=True)
class Principal:
    """The user of a request, or the implicit admin of a server without users.

    Args:
        project_id: the project in which the request creates objects and looks up names of datasets.
        is_admin: whether the user sees and changes the objects of all projects.
        scope: the requests that the token permits.
        roles: the role of a user who is no admin in each project that the token gives access to.
        user_id: the user; None for the implicit admin and for the token of the server.
        user_name: the name of that user.
        token_id: the token, or the session of a browser; None without one.
        token_prefix: the first characters of the token, by which people recognize it.
        token_project_id: the only project that the token gives access to; None for all projects of its user.
        audit: the request, if the audit records its writes.

    """

    project_id: UUID = DEFAULT_PROJECT_ID
    is_admin: bool = False
    scope: TokenScope = TokenScope.READ
    roles: Mapping[UUID, ProjectRole] = field(default_factory=dict[UUID, ProjectRole])
    user_id: UUID | None = None
    user_name: str | None = None
    token_id: UUID | None = None
    token_prefix: str | None = None
    token_project_id: UUID | None = None
    audit: AuditedRequest | None = field(default=None, compare=False)

    @property
    def identity(self) -> tuple[UUID | None, UUID | None, UUID]:
        """What distinguishes the principals of a server: the user, the token and the project that they work in."""
        return self.user_id, self.token_id, self.project_id

    @property
    def visible_projects(self) -> frozenset[UUID] | None:
        """The projects whose objects the principal sees; None for all."""
        if self.token_project_id is not None:
            return frozenset({self.token_project_id} if self.is_admin else self.roles)
        return None if self.is_admin else frozenset(self.roles)

    @property
    def is_unrestricted(self) -> bool:
        """Whether the principal is an admin whose token is not for one project alone."""
        return self.is_admin and self.token_project_id is None

    def permits(self, scope: TokenScope) -> bool:
        """Return whether the token permits the requests of a scope."""
        return _SCOPES.index(self.scope) >= _SCOPES.index(scope)

    def can_see(self, project_id: UUID) -> bool:
        """Return whether the principal sees the objects of a project."""
        return self.visible_projects is None or project_id in self.visible_projects

    def has_role(self, project_id: UUID, role: ProjectRole) -> bool:
        """Return whether the principal has a role in a project, or a higher one; an admin has every role."""
        if not self.can_see(project_id):
            return False
        return self.is_admin or _ROLES.index(self.roles[project_id]) >= _ROLES.index(role)


IMPLICIT_ADMIN = Principal(is_admin=True, scope=TokenScope.ADMIN)
"""The principal of every request to a server without users, and of requests with the token of the server."""
