"""Entries of writes, in the transaction of the write: neither is ever there without the other.

The sessions of a request carry the request. When a transaction that may write is about to commit, it gets one entry
for the request, unless an earlier transaction of the same request has it. A transaction that serves several requests,
such as a batch of submits, adds an entry for each of them itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Table, event, insert, select
from sqlalchemy.orm import Session, SessionTransaction

from models import AuditEntry, Dataset, Job, Sweep, Token, User
from service.db.database import DatabaseClock, SessionFactory
from service.db.ids import new_id
from service.team.audit.audited_request import AuditedRequest

AUDITED_REQUEST = "audited_request"
"""The key in the `info` of a session for the request whose writes it records."""
_PENDING = "pending_audited_requests"
_INSERT = insert(cast("Table", AuditEntry.__table__)).values(at=DatabaseClock())
_TABLES: dict[str | None, type[Job | Dataset | Sweep]] = {"job": Job, "dataset": Dataset, "sweep": Sweep}
"""The tables of objects in projects, by their type in the audit."""


def audit_sessions(sessions: SessionFactory, request: AuditedRequest | None) -> SessionFactory:
    """Return a factory of sessions whose first transaction that writes also records the request."""
    return sessions if request is None else sessions.with_info({AUDITED_REQUEST: request})


def add_entry(session: Session, request: AuditedRequest) -> None:
    """Add the entry of a request to a transaction that writes for several requests."""
    _get_pending(session).append(request)
    session.connection().execute(_INSERT, build_entry(request, request.status))


def insert_entries(session: Session, entries: Sequence[Mapping[str, Any]]) -> None:
    """Insert entries that `build_entry` has built, such as those of refused requests."""
    session.connection().execute(_INSERT, [dict(entry) for entry in entries])


def set_object(session: Session, object_id: UUID, project_id: UUID | None, *, status: int | None = None) -> None:
    """Set the object of the session's request, where it is written without a row of the session.

    Args:
        session: in the transaction that writes it.
        object_id: the object.
        project_id: its project.
        status: the HTTP status of the response, if it is not that of the route.

    """
    request: AuditedRequest | None = session.info.get(AUDITED_REQUEST)
    if request is not None:
        request.object_id, request.project_id = object_id, project_id
        request.status = status or request.status


def set_user(session: Session, user: User, token: Token) -> None:
    """Set who makes the session's request, where only the request itself finds it out, as a login does."""
    request: AuditedRequest | None = session.info.get(AUDITED_REQUEST)
    if request is not None:
        request.user_id, request.user_name = user.id, user.name
        request.token_id, request.token_prefix = token.id, token.prefix


def build_entry(request: AuditedRequest, status: int, code: str | None = None) -> dict[str, Any]:
    """Return the columns of the entry of a request; the database adds the time.

    Args:
        request: the request.
        status: the HTTP status of the response.
        code: the code of the problem document, if the request was refused.

    """
    return {
        "id": new_id(),
        "user_id": request.user_id,
        "user_name": request.user_name,
        "token_id": request.token_id,
        "token_prefix": request.token_prefix,
        "action": request.action,
        "object_type": request.object_type,
        "object_id": request.object_id,
        "project_id": request.project_id,
        "status": status,
        "code": code,
        "request_id": request.request_id,
        "client": request.client,
    }


def _get_pending(session: Session) -> list[AuditedRequest]:
    """Return the requests whose entries the current transaction has."""
    return session.info.setdefault(_PENDING, [])


@event.listens_for(Session, "after_begin")
def _locate_object(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """Find the project or the user that the path of the request names, before the request can delete it."""
    request: AuditedRequest | None = session.info.get(AUDITED_REQUEST)
    if request is None or request.is_located:
        return
    request.is_located = True
    table = _TABLES.get(request.object_type)
    if table is not None and request.object_id is not None and request.project_id is None:
        request.project_id = connection.scalar(select(table.project_id).where(table.id == request.object_id))
    elif request.object_id is None and request.object_name is not None:
        request.object_id = connection.scalar(select(User.id).where(User.name == request.object_name))


@event.listens_for(Session, "after_flush")
def _note_written_rows(session: Session, _context: object) -> None:
    request: AuditedRequest | None = session.info.get(AUDITED_REQUEST)
    if request is not None:
        for row in (*session.new, *session.dirty, *session.deleted):
            request.note_row(row)


@event.listens_for(Session, "before_commit")
def _add_entry_of_request(session: Session) -> None:
    request: AuditedRequest | None = session.info.get(AUDITED_REQUEST)
    if request is None or request.is_recorded or request in _get_pending(session):
        return
    session.flush()  # it finds out the ids of new rows
    add_entry(session, request)


@event.listens_for(Session, "after_commit")
def _mark_recorded(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for request in session.info.pop(_PENDING, ()):
        request.is_recorded = True


@event.listens_for(Session, "after_soft_rollback")
def _forget_entries(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_PENDING, None)
