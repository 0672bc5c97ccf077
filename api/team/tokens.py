"""Routes of `/v1/tokens`: create, list, rotate and revoke the tokens of the user."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from api.access.authorization import PrincipalDep
from api.app_state import AllSessionsDep
from api.http import body_examples, openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody, parse_body
from api.http.validation import PageCursor, PageLimit
from api.team.schemas import NewTokenView, TokenPage, TokenRequest, TokenRotation, TokenView
from service.errors import Conflict, Forbidden
from service.team import authentication, tokens, users
from service.team.principal import Principal
from service.team.tokens import TokenRequest as NewToken

router = APIRouter(prefix="/v1/tokens", tags=["users"], responses=RESPONSES)


@router.get("")
def list_tokens(
    sessions: AllSessionsDep,
    principal: PrincipalDep,
    user: Annotated[str | None, Query(max_length=200, description="For admins: the id or the name of a user.")] = None,
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> TokenPage:
    """List the tokens and sessions of the user, newest first. The texts of tokens are not known."""
    with sessions.read() as session:
        user_id = _choose_user(session, principal, user)
        page = tokens.list_tokens(session, principal, user_id, limit=limit, cursor=cursor)
    return TokenPage(items=[TokenView.model_validate(token) for token in page.items], next=page.next)


@router.post("", status_code=201, openapi_extra=openapi.build_body(TokenRequest, body_examples.TOKEN))
def issue_token(body: JsonBody, sessions: AllSessionsDep, principal: PrincipalDep, response: Response) -> NewTokenView:
    """Create a token of the user. Its text is shown once."""
    with sessions.begin() as session:
        request = build_token_request(session, parse_body(TokenRequest, body), principal)
        view = NewTokenView.of(tokens.issue_token(session, _get_user_id(principal), request))
    response.headers["Location"] = f"/v1/tokens/{view.id}"
    return view


@router.post(
    "/{token_id}/rotate", status_code=201, openapi_extra=openapi.build_body(TokenRotation, body_examples.ROTATION)
)
def rotate_token(token_id: UUID, body: JsonBody, sessions: AllSessionsDep, principal: PrincipalDep) -> NewTokenView:
    """Replace a token by a new one with the same properties. The old one stays valid for `overlap_s` seconds."""
    rotation = parse_body(TokenRotation, body)
    with sessions.begin() as session:
        token = tokens.lock_token(session, token_id, principal)
        return NewTokenView.of(tokens.rotate_token(session, token, rotation.overlap_s))


@router.delete("/{token_id}", status_code=204)
def revoke_token(token_id: UUID, sessions: AllSessionsDep, principal: PrincipalDep) -> None:
    """Revoke a token at once, with the sessions and the event streams that it started. A repeat changes nothing."""
    with sessions.begin() as session:
        tokens.revoke_token(session, tokens.lock_token(session, token_id, principal))


def build_token_request(session: Session, body: TokenRequest, principal: Principal) -> NewToken:
    """Return the request for a token that permits no more than the one of the request.

    Raises:
        NotFound: the principal does not see the project.

    """
    project_id = principal.token_project_id
    if body.project is not None:
        project_id = authentication.choose_project(session, principal, body.project).project_id
    return NewToken(body.name, body.scope, project_id, body.expires_at)


def _get_user_id(principal: Principal) -> UUID:
    if principal.user_id is None:
        raise Conflict("no_user", "The server has no users yet, or the request has the token of the server.")
    return principal.user_id


def _choose_user(session: Session, principal: Principal, user: str | None) -> UUID | None:
    """Return the user whose tokens are listed; None for all, for the token of the server."""
    if user is None:
        return principal.user_id
    if not principal.is_unrestricted:
        raise Forbidden("admin_required", "Only an admin with a token for all projects may list those of others.")
    return users.find_user(session, user).id
