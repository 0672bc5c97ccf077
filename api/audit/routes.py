"""Route of `/v1/audit`: who did what, and what was refused, for admins."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from api.app_state import AllSessionsDep
from api.http import csv_export
from api.http.content_negotiation import choose_media_type
from api.http.problem_documents import RESPONSES
from api.http.validation import ONE_LINE, PageCursor, PageLimit, UtcTime
from models import AuditEntry
from service.db.database import SessionFactory
from service.team import authentication, users
from service.team.audit import entries
from service.team.audit.entries import AuditFilter, Outcome
from service.team.principal import IMPLICIT_ADMIN

_JSON = "application/json"

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=RESPONSES)

Reference = Annotated[str | None, Query(max_length=200, pattern=ONE_LINE, description="An id or a name.")]


class AuditEntryView(BaseModel):
    """A write, or a refused request. `action` is the method and the route; `code` is that of the problem document."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    user_id: UUID | None
    user_name: str | None
    token_id: UUID | None
    token_prefix: str | None
    action: str
    object_type: str | None
    object_id: UUID | None
    project_id: UUID | None
    status: int
    code: str | None
    request_id: str | None
    client: str | None


class AuditPage(BaseModel):
    """A page of entries, newest first. `next` is the `cursor` of the following page, or null."""

    items: list[AuditEntryView]
    next: str | None


@router.get(
    "",
    response_model=AuditPage,
    responses={200: {"content": {csv_export.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def list_audit(
    sessions: AllSessionsDep,
    user: Reference = None,
    action: Annotated[
        str | None,
        Query(max_length=200, pattern=ONE_LINE, description="The method and the route, as `POST /v1/jobs`."),
    ] = None,
    object_id: Annotated[UUID | None, Query(alias="object", description="The id of an object.")] = None,
    project: Reference = None,
    outcome: Annotated[Outcome | None, Query(description="Whether the request was accepted or refused.")] = None,
    since: Annotated[UtcTime | None, Query(description="The earliest time.")] = None,
    until: Annotated[UtcTime | None, Query(description="The time before which it was.")] = None,
    limit: PageLimit = 50,
    cursor: PageCursor = None,
    form: Annotated[
        Literal["json", "csv"] | None, Query(alias="format", description="Instead of the header `Accept`.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """List who did what, and what was refused, newest first. Only admins see it.

    With `Accept: text/csv` or `format=csv`, the response has all entries that match, whatever their number.
    """
    with sessions.read() as session:
        user_id, project_id = _find_ids(session, user, project)
        conditions = AuditFilter(user_id, project_id, action, object_id, outcome, since, until)
        page = entries.list_entries(session, conditions, limit=limit, cursor=cursor)
    if (form or choose_media_type(accept, (_JSON, csv_export.MEDIA_TYPE))).endswith("csv"):
        return _respond_csv(sessions, conditions)
    view = AuditPage(items=[AuditEntryView.model_validate(entry) for entry in page.items], next=page.next)
    return Response(view.model_dump_json(), media_type=_JSON, headers={"Vary": "Accept"})


def _find_ids(session: Session, user: str | None, project: str | None) -> tuple[UUID | None, UUID | None]:
    """Return the ids of a user and a project. An id is looked for even if its user or project was deleted.

    Raises:
        NotFound: there is no user or project with this name.

    """
    user_id = _parse_id(user) if user else None
    if user and user_id is None:
        user_id = users.find_user(session, user).id
    project_id = _parse_id(project) if project else None
    if project and project_id is None:
        project_id = authentication.choose_project(session, IMPLICIT_ADMIN, project).project_id
    return user_id, project_id


def _parse_id(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None


def _respond_csv(sessions: SessionFactory, conditions: AuditFilter) -> Response:
    columns = tuple(AuditEntryView.model_fields)
    lines = csv_export.stream_csv(columns, _read_rows(sessions, conditions, columns))
    first = next(lines, "")  # before the response begins, so that an unavailable database gets its problem document
    headers = {"Vary": "Accept", "Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(itertools.chain((first,), lines), media_type=csv_export.MEDIA_TYPE, headers=headers)


def _read_rows(
    sessions: SessionFactory, conditions: AuditFilter, columns: tuple[str, ...]
) -> Iterator[list[list[object]]]:
    for page in entries.iterate_pages(sessions, conditions):
        yield [[_format_value(entry, column) for column in columns] for entry in page]


def _format_value(entry: AuditEntry, column: str) -> object:
    value = getattr(entry, column)
    return value.isoformat() if isinstance(value, datetime) else value
