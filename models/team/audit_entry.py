"""The audit: who did what, and what was refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AuditEntry(Base):
    """A write, or a refused request. Rows are only added, and deleted after the retention.

    Ids of users, tokens and objects are not foreign keys, because an entry outlives them.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        # Each filter of the list has an index that ends with the id.
        Index("ix_audit_entries_user_id_id", "user_id", "id"),
        Index("ix_audit_entries_action_id", "action", "id"),
        Index("ix_audit_entries_object_id_id", "object_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[UUID | None]
    user_name: Mapped[str | None]
    """The name at that time; None if the request was not authenticated."""
    token_id: Mapped[UUID | None]
    token_prefix: Mapped[str | None]
    action: Mapped[str]
    """The method and the route, such as `POST /v1/jobs/{job_id}/cancel`."""
    object_type: Mapped[str | None]
    """`job`, `dataset`, `sweep`, `user`, `project`, `token`, `worker` or None."""
    object_id: Mapped[UUID | None]
    project_id: Mapped[UUID | None]
    status: Mapped[int]
    """The HTTP status of the response."""
    code: Mapped[str | None]
    """The code of the problem document, if the request was refused."""
    request_id: Mapped[str | None]
    client: Mapped[str | None]
    """The address of the client."""
