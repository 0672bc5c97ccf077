"""Memberships: the role of a user in a project."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import build_enum


class ProjectRole(StrEnum):
    """The role of a user in a project; each has the rights of those before it."""

    VIEWER = "viewer"
    """Sees the objects of the project."""
    EDITOR = "editor"
    """Creates, changes and deletes them."""
    OWNER = "owner"
    """Adds and removes members."""


class Membership(Base):
    """The membership of a user in a project."""

    __tablename__ = "memberships"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[UUID] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[ProjectRole] = mapped_column(build_enum(ProjectRole, "role"))
    created_at: Mapped[datetime]
