"""The usage of users and projects: charged when an attempt begins, and corrected when it ends.

A user's usage is the sum of the seconds of their attempts, weighed by device, in which each attempt decays from its
end. While an attempt runs, its estimate stands in for its seconds, from its start. The sum is one number with the
time at which it was valid. Each charge moves that time on, so the number neither overflows nor depends on an epoch.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from models import UsageRecord, User
from models.team import NO_USER_ID
from service.db.database import get_current_time
from service.team.usage.policy import UsagePolicy, get_policy


@dataclass(frozen=True)
class DecayedUsage:
    """A user's usage in weighed device-seconds at a time; `valid_at` is None before the first charge."""

    amount: float = 0.0
    valid_at: datetime | None = None

    def add(self, amount: float, now: datetime, policy: UsagePolicy) -> "DecayedUsage":
        """Return the usage now with a further amount; a negative amount takes usage back, down to none."""
        # A clock that goes back must not move the time back: the usage would decay twice.
        valid_at = now if self.valid_at is None else max(now, self.valid_at)
        return DecayedUsage(max(0.0, policy.decay(self.amount, self.valid_at, valid_at) + amount), valid_at)

    def settle(
        self, charged: float, used: float, started_at: datetime, now: datetime, policy: UsagePolicy
    ) -> "DecayedUsage":
        """Return the usage now, in which the use of an ended attempt replaces what it was charged at its start."""
        return self.add(used - policy.decay(charged, started_at, now), now, policy)


@dataclass(frozen=True)
class EndedAttempt:
    """The columns of a job whose attempt ends.

    Args:
        owner_id: the user whose usage was charged; None for no user.
        project_id: the project of the job.
        device: `cpu` or `gpu`.
        started_at: when the attempt began.
        lease_until: when its lease ends or has ended. A lost worker has used its device for no longer than that.
        charged_s: the weighed device-seconds that the attempt was charged.
        epochs: number of epochs that it has trained.

    """

    owner_id: UUID | None
    project_id: UUID
    device: str
    started_at: datetime | None
    lease_until: datetime | None
    charged_s: float
    epochs: int

    def measure_seconds(self, now: datetime) -> float:
        """Return how long the attempt used its device."""
        end = now if self.lease_until is None else min(now, self.lease_until)
        return 0.0 if self.started_at is None else max(0.0, (end - self.started_at).total_seconds())


def charge_owner(session: Session, owner_id: UUID, seconds: float, device: str) -> float:
    """Charge the estimate of an attempt that begins.

    Args:
        session: in the transaction that begins the attempt.
        owner_id: the user; a deleted one is charged nothing.
        seconds: the estimate.
        device: `cpu` or `gpu`.

    Returns:
        The weighed device-seconds to give to `settle_attempt` at the end, as `charged_s`.

    """
    policy = get_policy(session)
    charged = policy.weigh(seconds, device)
    usage = _lock_usage(session, owner_id)
    if usage is not None:
        _store_usage(session, owner_id, usage.add(charged, get_current_time(session), policy))
    return charged


def settle_attempt(session: Session, attempt: EndedAttempt, ended_at: datetime, *, is_job_over: bool) -> None:
    """Replace the charge of an attempt by what it has used, and add that to the records of the day.

    Args:
        session: in the transaction that ends the attempt, which holds the lock of its job.
        attempt: the attempt.
        ended_at: when it ended, by the database's clock.
        is_job_over: whether its job ends with it.

    """
    policy = get_policy(session)
    seconds = attempt.measure_seconds(ended_at)
    usage = None if attempt.owner_id is None else _lock_usage(session, attempt.owner_id)
    if usage is not None and attempt.owner_id is not None:
        used = policy.weigh(seconds, attempt.device)
        settled = usage.settle(attempt.charged_s, used, attempt.started_at or ended_at, ended_at, policy)
        _store_usage(session, attempt.owner_id, settled)
    _add_to_record(session, attempt, ended_at, seconds=seconds, jobs=int(is_job_over))


def _lock_usage(session: Session, user_id: UUID) -> DecayedUsage | None:
    query = select(User.decayed_usage, User.usage_at).where(User.id == user_id)
    row = session.execute(query.with_for_update(key_share=True)).one_or_none()
    return None if row is None else DecayedUsage(row.decayed_usage, row.usage_at)


def _store_usage(session: Session, user_id: UUID, usage: DecayedUsage) -> None:
    values = {"decayed_usage": usage.amount, "usage_at": usage.valid_at}
    session.execute(update(User).where(User.id == user_id).values(values))


def _add_to_record(session: Session, attempt: EndedAttempt, now: datetime, *, seconds: float, jobs: int) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(UsageRecord).values(
        day=now.astimezone(UTC).date(),
        user_id=attempt.owner_id or NO_USER_ID,
        project_id=attempt.project_id,
        device=attempt.device,
        device_seconds=seconds,
        jobs=jobs,
        epochs=max(0, attempt.epochs),
    )
    added = {
        name: UsageRecord.__table__.columns[name] + statement.excluded[name]
        for name in ("device_seconds", "jobs", "epochs")
    }
    session.execute(
        statement.on_conflict_do_update(index_elements=list(UsageRecord.__table__.primary_key), set_=added)
    )
