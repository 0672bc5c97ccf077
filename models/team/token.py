"""Tokens of users, and the sessions of their browsers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import build_enum


class TokenScope(StrEnum):
    """The requests that a token permits; each scope permits those of the scopes before it."""

    READ = "read"
    """Requests that change nothing."""
    SUBMIT = "submit"
    """Requests that create, change or delete jobs, datasets and sweeps."""
    ADMIN = "admin"
    """Everything that its user may do: also tokens, members and, for an admin, users and projects."""


class TokenKind(StrEnum):
    """The carrier of a token."""

    PERSONAL = "personal"
    """A program sends it as a bearer token."""
    SESSION = "session"
    """A browser has it in a cookie."""


class Token(Base):
    """A token. The database has only its SHA-256, because its random bits need no slow hash."""

    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TokenKind] = mapped_column(build_enum(TokenKind, "kind"))
    name: Mapped[str]
    prefix: Mapped[str]
    """The first characters of the token, by which people recognize it."""
    sha256: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[TokenScope] = mapped_column(build_enum(TokenScope, "scope"))
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    """The only project that the token gives access to; None for all projects of its user."""
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"), index=True)
    """The token that a browser logged in with. Its revocation ends the session."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
