"""Requests, as the audit records them."""

from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import Dataset, Job, Project, Sweep, Token, User

_CREATED_TYPES: dict[str, type[Any]] = {
    "job": Job,
    "dataset": Dataset,
    "sweep": Sweep,
    "user": User,
    "project": Project,
    "token": Token,
}
"""The tables whose rows can be the object of a request, by the name of their type in the audit."""


@dataclass(eq=False)
class AuditedRequest:
    """A request that writes or is refused. It has no part of the body, and no secret.

    Args:
        action: the method and the route, such as `POST /v1/jobs/{job_id}/cancel`.
        status: the HTTP status of its response if it succeeds.
        object_type: `job`, `dataset`, `sweep`, `user`, `project`, `token`, `worker` or None.
        object_id: the object that the path names, or that the request creates; None while it is not known.
        object_name: the name of a user in the path, whose id is not known yet.
        project_id: the project of the object.
        user_id: who makes the request; None for the token of the server, and for strangers.
        user_name: the name of that user.
        token_id: the token, or the session of a browser.
        token_prefix: the first characters of the token.
        request_id: the id of the request in the logs.
        client: the address of the client.
        is_located: whether the database has been asked for the project or the user that the path names.
        is_recorded: whether a committed transaction has its entry.

    """

    action: str
    status: int = 200
    object_type: str | None = None
    object_id: UUID | None = None
    object_name: str | None = None
    project_id: UUID | None = None
    user_id: UUID | None = None
    user_name: str | None = None
    token_id: UUID | None = None
    token_prefix: str | None = None
    request_id: str | None = None
    client: str | None = None
    is_located: bool = False
    is_recorded: bool = False

    def narrow(self, object_id: UUID, project_id: UUID | None = None, action: str | None = None) -> "AuditedRequest":
        """Return the part of this request that acts on one of several objects, which has an entry of its own."""
        part = copy(self)
        part.action, part.object_id = action or self.action, object_id
        part.project_id, part.is_located = project_id, project_id is not None
        part.is_recorded = False
        return part

    def note_row(self, row: Any) -> None:
        """Take the id and the project of the request's object from a row that its transaction writes."""
        table = _CREATED_TYPES.get(self.object_type or "")
        if table is not None and isinstance(row, table) and self.object_id in {None, row.id}:
            self.object_id = row.id
            self.project_id = self._get_project(row) or self.project_id

    @staticmethod
    def _get_project(row: Any) -> UUID | None:
        return row.id if isinstance(row, Project) else getattr(row, "project_id", None)
