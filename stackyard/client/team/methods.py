"""The methods of the client for users, tokens, projects, the audit and the usage of a team's server."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import BinaryIO, Literal, TypedDict, Unpack
from urllib.parse import quote, urlencode

from stackyard.client.errors import NoSingleMatchError
from stackyard.client.references import is_complete_id, select_single_match
from stackyard.client.request_encoding import encode_document
from stackyard.client.team.views import (
    Account,
    AuditEntry,
    NewToken,
    NewUser,
    Project,
    ProjectDetails,
    ProjectRole,
    Token,
    TokenScope,
    Usage,
    User,
    UserRole,
)
from stackyard.client.transport import Query, Transport, ViewType, parse_view
from stackyard.client.views import Json, View

_USERS, _TOKENS, _PROJECTS = "/v1/users", "/v1/tokens", "/v1/projects"
_AUDIT, _USAGE = "/v1/audit", "/v1/usage"

UsageKey = Literal["user", "project", "day"]
"""By what usage is grouped."""


class UserOptions(TypedDict, total=False):
    """Properties of a user: `role` is `member` or `admin`, and `shares` the weight in the fair share.

    A limit that is None does not apply. `max_bytes` counts datasets and artifacts. `oidc_subject` is the issuer and
    the subject of the identity that may log in as this user, with a space between.
    """

    role: UserRole
    shares: float
    max_running: int | None
    max_queued: int | None
    max_bytes: int | None
    oidc_subject: str | None


class UserChanges(UserOptions, total=False):
    """Properties of a user that may change. The tokens of a user who is `disabled` are refused at once."""

    name: str
    disabled: bool


class _ProjectList(View):
    items: list[Project]


class _UsageList(View):
    items: list[Usage]


class TeamMethods:
    """The users, tokens and projects of a server. `Client` has these methods."""

    _transport: Transport

    def account(self) -> Account:
        """Return the user of the token, what it permits, and the projects that it gives access to."""
        return parse_view(Account, self._transport.send_request("GET", "/v1/account"))

    # Users

    def users(self, *, limit: int = 100) -> Iterator[User]:
        """Iterate over the users, newest first. They are fetched in pages of `limit`."""
        return self._transport.iterate_items(User, _USERS, {"limit": limit})

    def user(self, user: str) -> User:
        """Return the user with this name or id."""
        return parse_view(User, self._transport.send_request("GET", _build_route(_USERS, user)))

    def add_user(self, name: str, **options: Unpack[UserOptions]) -> NewUser:
        """Add a user. The answer has their first token, which is shown only now.

        The first user makes the server a team's server, whose requests need a token. The first user must be an admin.

        Raises:
            ProblemError: the name is taken, or the first user is no admin.

        """
        return self._send(NewUser, "POST", _USERS, {"name": name, **options})

    def change_user(self, user: str, **changes: Unpack[UserChanges]) -> User:
        """Change a user, given by name or id. It takes effect at once.

        Raises:
            ProblemError: the name is taken, or the server would have no admin any more.

        """
        return self._send(User, "PATCH", _build_route(_USERS, user), dict(changes))

    def delete_user(self, user: str) -> None:
        """Delete a user with their tokens. Their jobs, datasets and sweeps stay in their projects.

        Raises:
            ProblemError: one of their jobs has not ended, or the server would have no admin any more.

        """
        self._transport.send_request("DELETE", _build_route(_USERS, user))

    # Tokens

    def tokens(self, *, user: str | None = None, limit: int = 100) -> Iterator[Token]:
        """Iterate over the tokens and sessions of the user, newest first; for an admin, over those of any user."""
        return self._transport.iterate_items(Token, _TOKENS, {"user": user, "limit": limit})

    def create_token(
        self,
        name: str,
        *,
        scope: TokenScope = "submit",
        project: str | None = None,
        expires_at: datetime | None = None,
        user: str | None = None,
    ) -> NewToken:
        """Create a token. The answer has its text, which is shown only now.

        Args:
            name: a name, by which people recognize it.
            scope: what it permits: `read`, `submit` or `admin`.
            project: the id or the name of the only project that it gives access to; None for all of the user.
            expires_at: a time with a zone after which it is refused; None for a token that does not expire.
            user: for admins: the user whom the token is for; None for the user of the request.

        """
        route = _TOKENS if user is None else f"{_build_route(_USERS, user)}/tokens"
        expiry = None if expires_at is None else expires_at.isoformat()
        return self._send(
            NewToken, "POST", route, {"name": name, "scope": scope, "project": project, "expires_at": expiry}
        )

    def rotate_token(self, token_id: str, *, overlap_s: float = 86_400.0) -> NewToken:
        """Replace a token by a new one with the same properties. The old one stays valid for `overlap_s` seconds."""
        return self._send(NewToken, "POST", f"{_build_route(_TOKENS, token_id)}/rotate", {"overlap_s": overlap_s})

    def find_token(self, reference: str, *, user: str | None = None) -> Token:
        """Return the token with this id, prefix or name that is not revoked; for an admin, also one of another user.

        Raises:
            NoSingleMatchError: there is no such token, or several.

        """
        valid = (token for token in self.tokens(user=user) if token.revoked_at is None)
        matches = (token for token in valid if reference in {token.id, token.prefix, token.name})
        return select_single_match("token", reference, matches, lambda token: f"{token.prefix}…  {token.name}")

    def revoke_token(self, token_id: str) -> None:
        """Revoke a token at once, with the sessions and the event streams that it started."""
        self._transport.send_request("DELETE", _build_route(_TOKENS, token_id))

    # Projects

    def projects(self) -> list[Project]:
        """Return the projects that the user sees, by name."""
        return parse_view(_ProjectList, self._transport.send_request("GET", _PROJECTS)).items

    def project(self, project: str) -> ProjectDetails:
        """Return the project with this id or name, with its members.

        Raises:
            NoSingleMatchError: the user sees no project of this name.

        """
        return parse_view(ProjectDetails, self._transport.send_request("GET", self._find_project_route(project)))

    def add_project(self, name: str) -> ProjectDetails:
        """Add a project. The user who adds it is its owner."""
        return self._send(ProjectDetails, "POST", _PROJECTS, {"name": name})

    def rename_project(self, project: str, name: str) -> ProjectDetails:
        """Change the name of a project, given by id or name."""
        return self._send(ProjectDetails, "PATCH", self._find_project_route(project), {"name": name})

    def delete_project(self, project: str) -> None:
        """Delete a project, given by id or name, that has no jobs, datasets and sweeps."""
        self._transport.send_request("DELETE", self._find_project_route(project))

    def set_member(self, project: str, user: str, role: ProjectRole) -> ProjectDetails:
        """Add a user to a project, or change their role. Both are given by id or name."""
        return self._send(ProjectDetails, "PUT", self._build_member_route(project, user), {"role": role})

    def remove_member(self, project: str, user: str) -> None:
        """Remove a user from a project. Their jobs, datasets and sweeps stay in it."""
        self._transport.send_request("DELETE", self._build_member_route(project, user))

    # Records

    def audit(self, *, limit: int = 100, **filters: str | None) -> Iterator[AuditEntry]:
        """Iterate over the writes and the refused requests, newest first; for admins.

        Args:
            limit: the number of entries in a page.
            filters: parameters of the route: `user`, `action`, `object`, `project`, `outcome`, `since` and `until`.

        """
        return self._transport.iterate_items(AuditEntry, _AUDIT, {**filters, "limit": limit})

    def download_audit(self, file: BinaryIO, **filters: str | None) -> None:
        """Write all entries of the audit that match the filters into a file, as CSV."""
        self._transport.download_file(_build_csv_route(_AUDIT, filters), file)

    def usage(
        self,
        *,
        first: date | None = None,
        last: date | None = None,
        group_by: Sequence[UsageKey] = ("user", "project"),
    ) -> list[Usage]:
        """Return device-seconds, jobs, epochs and bytes, of the user and their projects; of all for an admin.

        Args:
            first: the first day in UTC; None for 30 days.
            last: the last day in UTC; None for today.
            group_by: `user`, `project` and `day`, in any combination.

        """
        query = _build_usage_query(first, last, group_by)
        return parse_view(_UsageList, self._transport.send_request("GET", _USAGE, query=query)).items

    def download_usage(
        self,
        file: BinaryIO,
        *,
        first: date | None = None,
        last: date | None = None,
        group_by: Sequence[UsageKey] = ("user", "project"),
    ) -> None:
        """Write what `usage` returns into a file, as CSV."""
        self._transport.download_file(_build_csv_route(_USAGE, _build_usage_query(first, last, group_by)), file)

    def _send(self, view: type[ViewType], method: str, route: str, document: Json) -> ViewType:
        return parse_view(view, self._transport.send_request(method, route, body=encode_document(document)))

    def _build_member_route(self, project: str, user: str) -> str:
        return f"{self._find_project_route(project)}/members/{quote(user, safe='')}"

    def _find_project_route(self, reference: str) -> str:
        if is_complete_id(reference):
            return _build_route(_PROJECTS, reference)
        ids = [project.id for project in self.projects() if project.name == reference]
        if not ids:
            raise NoSingleMatchError("project", reference)
        return _build_route(_PROJECTS, ids[0])


def _build_usage_query(first: date | None, last: date | None, group_by: Sequence[UsageKey]) -> Query:
    days = {"from": first, "to": last}
    query = {name: day.isoformat() for name, day in days.items() if day is not None}
    return {**query, "group_by": list(group_by)}


def _build_csv_route(route: str, query: Query) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{route}?{urlencode({**given, 'format': 'csv'}, doseq=True)}"


def _build_route(collection: str, reference: str) -> str:
    return f"{collection}/{quote(reference, safe='')}"
