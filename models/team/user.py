"""Users of a team's server, with their shares and limits."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import build_enum


class UserRole(StrEnum):
    """The role of a user on the server."""

    MEMBER = "member"
    """Sees the projects of which they are a member."""
    ADMIN = "admin"
    """Sees and changes everything."""


class User(Base):
    """A user. A server with at least one user is a team's server: each request needs a token or a session."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[UserRole] = mapped_column(build_enum(UserRole, "role"))
    shares: Mapped[float] = mapped_column(Double, default=1.0)
    """The weight of the user in the fair share."""
    max_running: Mapped[int | None]
    """Maximum number of jobs that run at the same time; None without a limit."""
    max_queued: Mapped[int | None]
    """Maximum number of jobs that wait; None without a limit."""
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Maximum size in bytes of the datasets and artifacts; None without a limit."""
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    """The issuer and the subject of the OpenID Connect identity that may log in as this user."""
    decayed_usage: Mapped[float] = mapped_column(Double, default=0.0)
    """The usage in weighed device-seconds as it was at `usage_at` (see `service.team.usage.charging`)."""
    usage_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    """When an admin disabled the user; their tokens and sessions are refused."""
    created_at: Mapped[datetime]
