"""The parameters of a list that choose objects by their owner and their project."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool

from api.access.authorization import PrincipalDep
from api.app_state import AllSessionsDep
from api.http.validation import ONE_LINE
from models.team import NO_USER_ID
from service.db.database import SessionFactory
from service.team.ownership.filters import ANY_OWNERSHIP, OwnershipFilter, load_project_id, load_user_id
from service.team.principal import Principal

_OWN = "me"


async def _parse_ownership(
    principal: PrincipalDep,
    sessions: AllSessionsDep,
    owner: Annotated[
        str | None,
        Query(max_length=200, pattern=ONE_LINE, description="The name or the id of a user; `me` for your own."),
    ] = None,
    project: Annotated[
        str | None, Query(max_length=200, pattern=ONE_LINE, description="The name or the id of a project.")
    ] = None,
) -> OwnershipFilter:
    if not owner and not project:
        return ANY_OWNERSHIP
    return await run_in_threadpool(_load_filter, sessions, principal, owner, project)


def _load_filter(
    sessions: SessionFactory, principal: Principal, owner: str | None, project: str | None
) -> OwnershipFilter:
    own_id = principal.user_id or NO_USER_ID
    with sessions.read() as session:
        owner_id = own_id if owner == _OWN else load_user_id(session, owner) if owner else None
        return OwnershipFilter(owner_id, load_project_id(session, project) if project else None)


OwnershipDep = Annotated[OwnershipFilter, Depends(_parse_ownership)]
