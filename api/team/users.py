"""Routes of `/v1/users`: add, list, get, change and delete users, for admins."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.app_state import AllSessionsDep, AuthenticatorDep
from api.http import body_examples, openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody, parse_body
from api.http.validation import PageCursor, PageLimit
from api.team.schemas import (
    NewTokenView,
    NewUserView,
    TokenRequest,
    UserChanges,
    UserPage,
    UserRequest,
    UserView,
)
from api.team.tokens import build_token_request
from service.team import tokens, users
from service.team.principal import IMPLICIT_ADMIN

router = APIRouter(prefix="/v1/users", tags=["users"], responses=RESPONSES)

UserReference = Annotated[str, Path(description="The id or the name of a user.", max_length=200)]


@router.post("", status_code=201, openapi_extra=openapi.build_body(UserRequest, body_examples.USER))
def add_user(
    body: JsonBody, sessions: AllSessionsDep, authenticator: AuthenticatorDep, response: Response
) -> NewUserView:
    """Add a user. The response has their first token, which permits everything that the user may do.

    The first user makes the server a team's server: from then on, each request needs a token or a session. The first
    user must be an admin.
    """
    request = parse_body(UserRequest, body)
    with sessions.begin() as session:
        columns = request.model_dump(exclude={"name", "role"})
        user, issued = users.add_user(session, request.name, request.role, columns)
    authenticator.refresh_mode()
    response.headers["Location"] = f"/v1/users/{user.id}"
    view = UserView.model_validate(user).model_dump()
    return NewUserView.model_validate(view | {"token": NewTokenView.of(issued)})


@router.get("")
def list_users(sessions: AllSessionsDep, limit: PageLimit = 50, cursor: PageCursor = None) -> UserPage:
    """List users, newest first."""
    with sessions.read() as session:
        page = users.list_users(session, limit=limit, cursor=cursor)
    return UserPage(items=[UserView.model_validate(user) for user in page.items], next=page.next)


@router.get("/{user}")
def get_user(user: UserReference, sessions: AllSessionsDep) -> UserView:
    """Get a user."""
    with sessions.read() as session:
        return UserView.model_validate(users.find_user(session, user))


@router.patch("/{user}", openapi_extra=openapi.build_changes_body(UserChanges, body_examples.USER_CHANGES))
def change_user(user: UserReference, body: JsonBody, sessions: AllSessionsDep) -> UserView:
    """Change a user: their name, role, shares, limits or identity, or disable them. It takes effect at once."""
    changes = parse_body(UserChanges, body)
    values = changes.model_dump(exclude_unset=True, exclude={"disabled"})
    is_disabled = changes.disabled if "disabled" in changes.model_fields_set else None
    with sessions.begin() as session:
        user_id = users.find_user(session, user).id
        return UserView.model_validate(users.change_user(session, user_id, values, is_disabled=is_disabled))


@router.delete("/{user}", status_code=204)
def delete_user(user: UserReference, sessions: AllSessionsDep, authenticator: AuthenticatorDep) -> None:
    """Delete a user with their tokens. Their jobs, datasets and sweeps stay in their projects."""
    with sessions.begin() as session:
        users.delete_user(session, users.find_user(session, user).id)
    authenticator.refresh_mode()


@router.post("/{user}/tokens", status_code=201, openapi_extra=openapi.build_body(TokenRequest, body_examples.TOKEN))
def issue_user_token(
    user: UserReference, body: JsonBody, sessions: AllSessionsDep, response: Response
) -> NewTokenView:
    """Create a token for a user, for example if they have lost all others."""
    with sessions.begin() as session:
        request = build_token_request(session, parse_body(TokenRequest, body), IMPLICIT_ADMIN)
        view = NewTokenView.of(tokens.issue_token(session, users.find_user(session, user).id, request))
    response.headers["Location"] = f"/v1/tokens/{view.id}"
    return view
