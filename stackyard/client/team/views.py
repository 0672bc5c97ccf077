"""Typed views of the server's answers about users, tokens, projects, the audit and the usage."""

from datetime import date, datetime
from typing import Literal

from stackyard.client.views import View

UserRole = Literal["member", "admin"]
TokenScope = Literal["read", "submit", "admin"]
ProjectRole = Literal["viewer", "editor", "owner"]


class User(View):
    """A user of a team's server. A limit that is None does not apply; `shares` is the weight in the fair share."""

    id: str
    name: str
    role: str
    shares: float = 1.0
    max_running: int | None = None
    max_queued: int | None = None
    max_bytes: int | None = None
    oidc_subject: str | None = None
    disabled_at: datetime | None = None
    created_at: datetime


class Token(View):
    """A token without its text. `kind` is `personal`, or `session` for the browser of a user."""

    id: str
    user_id: str
    kind: str = "personal"
    name: str
    prefix: str
    scope: str
    project_id: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class NewToken(Token):
    """A new token. The server shows its text, `token`, only now."""

    token: str


class NewUser(User):
    """A new user with a first token, which the server shows only now."""

    token: NewToken


class Member(View):
    """A member of a project. `role` is `viewer`, `editor` or `owner`."""

    user_id: str
    name: str
    role: str


class Project(View):
    """A project. `role` is the role in it of the user who asks; an admin who is no member has none."""

    id: str
    name: str
    created_at: datetime
    role: str | None = None


class ProjectDetails(Project):
    """A project with its members, by name."""

    members: list[Member]


class Account(View):
    """Who makes the requests: the user, what the token permits, the projects, and the project of the request.

    `user` is None on a server without users, and for the token of the server.
    """

    user: User | None = None
    role: str
    scope: str
    project: str
    projects: list[Project]


class AuditEntry(View):
    """A write, or a refused request: who, with which token, what, on which object, and with which status."""

    id: str
    at: datetime
    user_id: str | None = None
    user_name: str | None = None
    token_id: str | None = None
    token_prefix: str | None = None
    action: str
    object_type: str | None = None
    object_id: str | None = None
    project_id: str | None = None
    status: int
    code: str | None = None
    request_id: str | None = None
    client: str | None = None


class Usage(View):
    """What a group of jobs, datasets and artifacts used. Fields by which it is not grouped are None.

    `bytes` counts the datasets and artifacts that were stored in the period and are still there.
    """

    user_id: str | None = None
    user: str | None = None
    project_id: str | None = None
    project: str | None = None
    day: date | None = None
    device_seconds: float = 0.0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    jobs: int = 0
    epochs: int = 0
    bytes: int = 0
