"""Requests and responses of the routes of users, tokens and projects."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.http.validation import ONE_LINE, UtcTime
from models import ProjectRole, TokenKind, TokenScope, UserRole
from service.team.tokens import IssuedToken
from stackyard.spec.base import SpecModel

_MAX_INTEGER = 2**31 - 1
_MAX_BIG_INTEGER = 2**63 - 1

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]*$"


def _refuse_id(name: str) -> str:
    """Refuse a name that looks like an id, because paths and headers take either."""
    try:
        UUID(name)
    except ValueError:
        return name
    raise PydanticCustomError("invalid", "{message}", {"message": "expected a name that is not an id"})


def _check_text(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("invalid", "{message}", {"message": "expected a time as a string"})
    return value


def _describe_values(members: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [member.value for member in members]})


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=_NAME),
    AfterValidator(_refuse_id),
    Field(description="Letters, digits, and `.`, `_`, `@`, `-` inside."),
]
Time = Annotated[UtcTime, Field(strict=False), BeforeValidator(_check_text)]
UserRoleName = Annotated[UserRole, Field(strict=False), _describe_values(UserRole)]
ProjectRoleName = Annotated[ProjectRole, Field(strict=False), _describe_values(ProjectRole)]
ScopeName = Annotated[TokenScope, Field(strict=False), _describe_values(TokenScope)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE)]
Shares = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
JobLimit = Annotated[int, Field(ge=0, le=_MAX_INTEGER)]
ByteLimit = Annotated[int, Field(ge=0, le=_MAX_BIG_INTEGER)]


class UserRequest(SpecModel):
    """A new user. `shares` is their weight in the fair share; a limit that is null does not apply."""

    name: Name
    role: UserRoleName = UserRole.MEMBER
    shares: Shares = 1.0
    max_running: JobLimit | None = None
    max_queued: JobLimit | None = None
    max_bytes: ByteLimit | None = None
    oidc_subject: Label | None = None


class UserChanges(SpecModel):
    """Changes of a user. Omitted fields stay unchanged."""

    name: Name = ""
    role: UserRoleName = UserRole.MEMBER
    shares: Shares = 1.0
    max_running: JobLimit | None = None
    max_queued: JobLimit | None = None
    max_bytes: ByteLimit | None = None
    oidc_subject: Label | None = None
    disabled: bool = False


class UserView(BaseModel):
    """A user, with their shares and limits."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    role: UserRole
    shares: float
    max_running: int | None
    max_queued: int | None
    max_bytes: int | None
    oidc_subject: str | None
    disabled_at: datetime | None
    created_at: datetime


class TokenRequest(SpecModel):
    """A new token of the user. Without `project`, it gives access to all projects of the user."""

    name: Label
    scope: ScopeName = TokenScope.SUBMIT
    project: Label | None = Field(default=None, description="The id or the name of a project.")
    expires_at: Time | None = None


class TokenRotation(SpecModel):
    """For how many seconds the token stays valid beside its successor."""

    overlap_s: Annotated[float, Field(ge=0, le=30 * 86_400, allow_inf_nan=False)] = 86_400.0


class TokenView(BaseModel):
    """A token without its text, of which only the first characters are known."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: UUID
    kind: TokenKind
    name: str
    prefix: str
    scope: TokenScope
    project_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewTokenView(TokenView):
    """A new token. Its text in `token` is shown only now."""

    token: str

    @classmethod
    def of(cls, issued: IssuedToken) -> Self:
        """Return the view of a token that was just issued."""
        view = TokenView.model_validate(issued.token)
        return cls.model_validate(view.model_dump() | {"token": issued.text})


class NewUserView(UserView):
    """A new user with a first token, which is shown only now."""

    token: NewTokenView


class TokenPage(BaseModel):
    """A page of tokens, newest first. `next` is the `cursor` of the following page, or null."""

    items: list[TokenView]
    next: str | None


class UserPage(BaseModel):
    """A page of users, newest first. `next` is the `cursor` of the following page, or null."""

    items: list[UserView]
    next: str | None


class ProjectRequest(SpecModel):
    """The name of a project."""

    name: Name


class MemberRequest(SpecModel):
    """The role of a member."""

    role: ProjectRoleName


class MemberView(BaseModel):
    """A member of a project."""

    user_id: UUID
    name: str
    role: ProjectRole


class ProjectView(BaseModel):
    """A project, and the role in it of the user who asks; an admin who is no member has none."""

    id: UUID
    name: str
    created_at: datetime
    role: ProjectRole | None


class ProjectDetailsView(ProjectView):
    """A project with its members, by name."""

    members: list[MemberView]


class ProjectList(BaseModel):
    """The projects that the user sees, by name."""

    items: list[ProjectView]


class AccountView(BaseModel):
    """The user of the request, the permissions of the token, the projects, and the project of the request."""

    user: UserView | None
    role: UserRole
    scope: TokenScope
    project: UUID
    projects: list[ProjectView]
