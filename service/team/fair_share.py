"""Fair share: which of the owners of waiting jobs is next.

It is the one with the least usage for their shares, of those who run fewer jobs than their limit. Jobs without an
owner come first: they are those of a server without users, or from before its first user.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from models import Job, JobState, User
from service.db.database import get_current_time
from service.team.session_scope import ACROSS_PROJECTS
from service.team.usage.policy import get_policy

_CLAIM_LOCK = 0x57AC_FA12
"""The key of PostgreSQL's advisory lock that claims of owned jobs take one after another."""


@dataclass(frozen=True)
class OwnerShare:
    """The usage and the limit of an owner of waiting jobs.

    Args:
        owner_id: the user.
        usage: weighed device-seconds, decayed until now.
        shares: the weight of the user.
        running: number of jobs that run, on any queue.
        max_running: the limit of that number; None without one.

    """

    owner_id: UUID
    usage: float = 0.0
    shares: float = 1.0
    running: int = 0
    max_running: int | None = None

    @property
    def level(self) -> float:
        """The usage for each share. The owner with the lowest level is next."""
        return self.usage / self.shares if self.shares > 0 else math.inf

    @property
    def is_limited(self) -> bool:
        """Whether the owner runs as many jobs as they may."""
        return self.max_running is not None and self.running >= self.max_running


def rank_owners(owners: Iterable[OwnerShare]) -> list[OwnerShare]:
    """Return the owners that may run another job, the next one first."""
    permitted = (owner for owner in owners if not owner.is_limited)
    return sorted(permitted, key=lambda owner: (owner.level, owner.owner_id))


def compute_share_multiple(owner: OwnerShare, owners: Collection[OwnerShare]) -> float | None:
    """Return how many times their fair share of the usage of some owners one of them has; None without any usage."""
    usage, shares = sum(other.usage for other in owners), sum(other.shares for other in owners)
    if usage <= 0 or owner.shares <= 0:
        return None
    return (owner.usage / usage) / (owner.shares / shares)


def lock_next_owners(session: Session, queue: str) -> list[OwnerShare]:
    """Return the owners of a queue's waiting jobs that may run another one, the next one first.

    Until the transaction ends, other claims of owned jobs wait. Otherwise many workers that become free together
    would all serve the same user, and exceed their limit.
    """
    if session.scalar(_SELECT_ANY_OWNER, {"queue": queue}, execution_options=ACROSS_PROJECTS) is None:
        return []
    if session.get_bind().dialect.name == "postgresql":  # a transaction that writes to SQLite is alone already
        session.execute(_TAKE_CLAIM_LOCK)
    return rank_owners(load_waiting_owners(session, queue))


def load_waiting_owners(session: Session, queue: str) -> Sequence[OwnerShare]:
    """Return the owners of a queue's waiting jobs. A user that was deleted counts as one without usage."""
    now, policy = get_current_time(session), get_policy(session)
    rows = session.execute(_SELECT_OWNERS, {"queue": queue}, execution_options=ACROSS_PROJECTS)
    return [
        OwnerShare(
            owner_id=row.owner_id,
            usage=policy.decay(row.decayed_usage or 0.0, row.usage_at, now),
            shares=1.0 if row.shares is None else row.shares,
            running=row.running,
            max_running=row.max_running,
        )
        for row in rows
    ]


def _build_owners_query() -> Select[Any, float, datetime | None, float, int | None, int]:
    """Build the query for the owners of a queue's waiting jobs.

    It jumps from owner to owner through the index, so its cost does not grow with the number of jobs.
    """
    following, running = aliased(Job), aliased(Job)
    first_owner = select(Job.owner_id).where(*_IS_OWNED).order_by(Job.owner_id).limit(1).scalar_subquery()
    owners = select(first_owner.label("owner_id")).cte("waiting_owners", recursive=True)
    next_owner = (
        select(following.owner_id)
        .where(
            following.state == JobState.QUEUED,
            following.queue == bindparam("queue"),
            following.owner_id > owners.c.owner_id,
        )
        .order_by(following.owner_id)
        .limit(1)
        .correlate(owners)
        .scalar_subquery()
    )
    owners = owners.union_all(select(next_owner).where(owners.c.owner_id.is_not(None)))
    count_running = (
        select(func.count())
        .where(running.owner_id == owners.c.owner_id, running.state == JobState.RUNNING)
        .correlate(owners)
        .scalar_subquery()
    )
    columns = (owners.c.owner_id, User.decayed_usage, User.usage_at, User.shares, User.max_running)
    return (
        select(*columns, count_running.label("running"))
        .select_from(owners.outerjoin(User, User.id == owners.c.owner_id))
        .where(owners.c.owner_id.is_not(None))
    )


# Built once: each claim runs these statements, and building them takes longer than running them.
_IS_OWNED = (Job.state == JobState.QUEUED, Job.queue == bindparam("queue"), Job.owner_id.is_not(None))
_SELECT_ANY_OWNER = select(Job.owner_id).where(*_IS_OWNED).limit(1)
_SELECT_OWNERS = _build_owners_query()
_TAKE_CLAIM_LOCK = select(func.pg_advisory_xact_lock(_CLAIM_LOCK))
