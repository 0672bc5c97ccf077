"""The tables of users, their projects and tokens, and of what they did and used."""

from models.team.audit_entry import AuditEntry
from models.team.membership import Membership, ProjectRole
from models.team.project import DEFAULT_PROJECT_ID, DEFAULT_PROJECT_NAME, Project
from models.team.token import Token, TokenKind, TokenScope
from models.team.usage_record import NO_USER_ID, UsageRecord
from models.team.user import User, UserRole

__all__ = [
    "DEFAULT_PROJECT_ID",
    "DEFAULT_PROJECT_NAME",
    "NO_USER_ID",
    "AuditEntry",
    "Membership",
    "Project",
    "ProjectRole",
    "Token",
    "TokenKind",
    "TokenScope",
    "UsageRecord",
    "User",
    "UserRole",
]
