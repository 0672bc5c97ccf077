"""The order in which a queue hands out the jobs of several owners, as things stand now.

It is a forecast: it takes all jobs of an owner to be as long as the first one, and knows of no jobs to come. Usage
decays alike for all owners, so it changes nothing about their order.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from models import Job, JobState
from service.jobs.estimates import estimate_remaining_time, load_past_runs
from service.team.fair_share import OwnerShare, load_waiting_owners
from service.team.session_scope import ACROSS_PROJECTS
from service.team.usage.policy import get_policy

_FREE, _SHARED, _LIMITED = range(3)
"""Classes of turns, in their order: jobs without an owner, then fair share, then jobs beyond their owner's limit."""


@dataclass(frozen=True)
class Turn:
    """A job's turn: it is the job with this index among those of its owner, from 0."""

    owner_id: UUID | None
    index: int


@dataclass(frozen=True)
class WaitingOwner:
    """An owner and their waiting jobs.

    Args:
        share: the usage and the limit; None stands for the jobs without an owner.
        jobs: number of their jobs that wait in the queue.
        usage_per_job: the weighed device-seconds that each of them is expected to use.

    """

    share: OwnerShare | None
    jobs: int
    usage_per_job: float = 0.0

    @property
    def owner_id(self) -> UUID | None:
        """The user; None for jobs without an owner."""
        return None if self.share is None else self.share.owner_id

    def build_key(self, index: int) -> tuple[int, float, UUID | None, int]:
        """Return the key that sorts the turn of a job among those of all owners. It grows with the index."""
        if self.share is None:
            return (_FREE, 0.0, None, index)
        share = self.share
        is_limited = share.max_running is not None and share.running + index >= share.max_running
        level = share.level + index * self.usage_per_job / share.shares if share.shares > 0 else share.level
        return (_LIMITED if is_limited else _SHARED, level, share.owner_id, index)

    def count_turns_before(self, key: tuple[int, float, UUID | None, int]) -> int:
        """Return how many of the jobs have their turn before a key of another owner."""
        return bisect_left(range(self.jobs), key, key=self.build_key)


class FairOrder:
    """The order of the jobs of a queue.

    Args:
        owners: the owners of its waiting jobs.

    """

    def __init__(self, owners: Iterable[WaitingOwner]) -> None:
        self._owners = {owner.owner_id: owner for owner in owners}

    def list_users(self) -> Sequence[OwnerShare]:
        """Return the users with waiting jobs, the next one first; those at their limit are last."""
        users = [owner for owner in self._owners.values() if owner.share is not None]
        return [owner.share for owner in sorted(users, key=lambda owner: owner.build_key(0)) if owner.share]

    def count_jobs_by_owner(self) -> dict[UUID | None, int]:
        """Return the number of waiting jobs of each owner."""
        return {owner_id: owner.jobs for owner_id, owner in self._owners.items()}

    def find_share(self, owner_id: UUID | None) -> OwnerShare | None:
        """Return the share of a user with waiting jobs; None for others."""
        owner = self._owners.get(owner_id)
        return None if owner is None else owner.share

    def count_jobs_before(self, turn: Turn) -> int:
        """Return how many jobs of all owners come before a turn."""
        own = self._owners.get(turn.owner_id)
        if own is None:
            return turn.index
        key = own.build_key(turn.index)
        others = (owner for owner in self._owners.values() if owner is not own)
        return turn.index + sum(owner.count_turns_before(key) for owner in others)

    def list_owners(self, max_turns: int) -> list[UUID | None]:
        """Return the owners of the first jobs, in order."""
        return [turn.owner_id for turn in self.list_turns(max_turns)]

    def list_turns(self, max_turns: int) -> list[Turn]:
        """Return the first turns, in order."""
        merged = heapq.merge(*(_list_keys(owner) for owner in self._owners.values()))
        return [Turn(owner_id, index) for _, _, owner_id, index in islice(merged, max_turns)]


def load_fair_order(session: Session, queue: str) -> FairOrder:
    """Load the order of a queue's jobs, from all projects."""
    shares = load_waiting_owners(session, queue)
    parameters = {"queue": queue}
    counts = session.execute(_COUNT_BY_OWNER, parameters, execution_options=ACROSS_PROJECTS)
    jobs: dict[UUID | None, int] = {row[0]: row[1] for row in counts}
    first_jobs = {share.owner_id: _load_first_job(session, queue, share.owner_id) for share in shares}
    runs = load_past_runs(session, queue, {job.architecture: None for job in first_jobs.values() if job is not None})
    owners = [WaitingOwner(None, jobs.get(None, 0))]
    for share in shares:
        job = first_jobs[share.owner_id]
        seconds = 0.0 if job is None else estimate_remaining_time(job, runs)
        usage = get_policy(session).weigh(seconds, queue)
        owners.append(WaitingOwner(share, jobs.get(share.owner_id, 0), usage))
    return FairOrder(owners)


def _list_keys(owner: WaitingOwner) -> Iterator[tuple[int, float, UUID | None, int]]:
    return (owner.build_key(index) for index in range(owner.jobs))


def _load_first_job(session: Session, queue: str, owner_id: UUID) -> Any:
    parameters = {"queue": queue, "owner": owner_id}
    return session.execute(_SELECT_FIRST_JOB, parameters, execution_options=ACROSS_PROJECTS).one_or_none()


# Built once: each request for a waiting job runs these statements.
_job = aliased(Job)
_COUNT_BY_OWNER = (
    select(_job.owner_id, func.count())
    .where(_job.state == JobState.QUEUED, _job.queue == bindparam("queue"))
    .group_by(_job.owner_id)
)
_SELECT_FIRST_JOB = (
    select(_job.architecture, _job.epochs, _job.epochs_done, _job.until_epoch)
    .where(_job.state == JobState.QUEUED, _job.queue == bindparam("queue"), _job.owner_id == bindparam("owner"))
    .order_by(_job.priority.desc(), _job.id)
    .limit(1)
)
