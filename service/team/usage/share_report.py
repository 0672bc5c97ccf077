"""The standing of users in the fair share: their decayed usage against their shares."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import User
from service.db.database import get_current_time
from service.team.fair_share import OwnerShare, compute_share_multiple
from service.team.principal import Principal
from service.team.usage.policy import get_policy


@dataclass(frozen=True)
class UserShare:
    """The standing of a user.

    Args:
        user_id: the user.
        user_name: their name.
        shares: their weight.
        decayed_seconds: their usage in weighed device-seconds, decayed until now.
        share_used: how many times their fair share of the usage of all users they have used; None without any usage.

    """

    user_id: UUID
    user_name: str
    shares: float
    decayed_seconds: float
    share_used: float | None


def load_user_shares(session: Session, principal: Principal) -> list[UserShare]:
    """Load the standing of users, by name: that of all for an admin, and else that of the principal alone."""
    now, policy = get_current_time(session), get_policy(session)
    rows = session.execute(
        select(User.id, User.name, User.shares, User.decayed_usage, User.usage_at).order_by(User.name)
    ).all()
    standings = {
        row.id: OwnerShare(row.id, policy.decay(row.decayed_usage, row.usage_at, now), row.shares) for row in rows
    }
    sees_all = principal.is_admin and principal.token_project_id is None
    return [
        UserShare(
            row.id,
            row.name,
            row.shares,
            standings[row.id].usage,
            compute_share_multiple(standings[row.id], list(standings.values())),
        )
        for row in rows
        if sees_all or row.id == principal.user_id
    ]
