"""A week of synthetic load: the order of fair share against what it promises, with a clock of its own."""

import heapq
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.jobs.queue_order.fair_order import FairOrder, Turn, WaitingOwner
from service.team.fair_share import OwnerShare, rank_owners
from service.team.usage.charging import DecayedUsage
from service.team.usage.policy import UsagePolicy

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = 3_600.0, 86_400.0
POLICY = UsagePolicy()
ESTIMATE_S = 300.0


@dataclass
class SimulatedUser:
    """A user of the simulated server, and what happened to their jobs."""

    id: UUID
    shares: float = 1.0
    max_running: int | None = None
    usage: DecayedUsage = field(default_factory=DecayedUsage)
    running: int = 0
    waiting: list[tuple[float, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def build_share(self, now: float) -> OwnerShare:
        usage = POLICY.decay(self.usage.amount, self.usage.valid_at, to_time(now))
        return OwnerShare(self.id, usage, self.shares, self.running, self.max_running)


def to_time(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class SimulatedServer:
    """A server with some slots, whose time goes from event to event. It claims and charges as the real one does."""

    def __init__(self, slots: int, users: Sequence[SimulatedUser], estimate=None) -> None:
        self.free_slots = slots
        self.users = {user.id: user for user in users}
        self.estimate = estimate or (lambda _seconds: ESTIMATE_S)
        self.now = 0.0
        self.idle_while_permitted = 0
        self._events: list[tuple[float, int, object]] = []
        self._count = 0

    def submit(self, at: float, user: SimulatedUser, seconds: float) -> None:
        self._push(at, ("submit", user.id, seconds))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            self._apply(event)
            self._claim()
        self.now = until

    def _push(self, at: float, event: object) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, event))

    def _apply(self, event) -> None:
        kind, user_id, seconds, *charge = event
        user = self.users[user_id]
        if kind == "submit":
            user.waiting.append((self.now, seconds))
            return
        charged, started = charge
        user.usage = user.usage.settle(charged, seconds, to_time(started), to_time(self.now), POLICY)
        user.running -= 1
        user.seconds += seconds
        self.free_slots += 1

    def _claim(self) -> None:
        while self.free_slots:
            ranked = rank_owners(user.build_share(self.now) for user in self.users.values() if user.waiting)
            if not ranked:
                break
            self._start(self.users[ranked[0].owner_id])
        permitted = any(
            user.waiting and (user.max_running is None or user.running < user.max_running)
            for user in self.users.values()
        )
        self.idle_while_permitted += bool(self.free_slots and permitted)

    def _start(self, user: SimulatedUser) -> None:
        submitted, seconds = user.waiting.pop(0)
        user.waits.append(self.now - submitted)
        charged = self.estimate(seconds)
        user.usage = user.usage.add(charged, to_time(self.now), POLICY)
        user.running += 1
        self.free_slots -= 1
        self._push(self.now + seconds, ("end", user.id, seconds, charged, self.now))


def build_users(*shares: float) -> list[SimulatedUser]:
    return [SimulatedUser(UUID(int=index + 1), share) for index, share in enumerate(shares)]


def test_twenty_jobs_wait_no_longer_than_fair_share_promises_behind_five_hundred():
    """The second user gets every second slot or more, so their jobs need at most twice what they need alone."""
    slots, seconds = 4, 2 * HOUR
    first, second = build_users(1, 1)
    server = SimulatedServer(slots, [first, second])
    for _ in range(500):
        server.submit(0.0, first, seconds)
    for _ in range(20):
        server.submit(6 * HOUR, second, seconds)
    server.run(60 * DAY)
    rounds_alone = 20 / slots
    promised = (2 * rounds_alone + 1) * seconds  # and one round until the first slot is free
    assert max(second.waits) <= promised
    assert second.waits[0] <= seconds
    in_line = 500 / slots * seconds - 6 * HOUR  # what the last of them would wait in one line
    assert max(second.waits) < in_line / 10
    assert len(first.waits) == 500


def test_over_a_week_of_load_each_user_gets_their_share():
    """While all have work, seconds are as their shares; decayed usage is the formula's."""
    generator = random.Random(7)  # noqa: S311  # a synthetic load
    users = build_users(1, 1, 2, 4)
    server = SimulatedServer(8, users)
    longest = 0.0
    for index, user in enumerate(users):
        at = 0.0
        while at < 7 * DAY:  # each of them submits more than the server can do
            seconds = generator.expovariate(1 / (HOUR * (index + 1) / 2))
            server.submit(at, user, seconds)
            longest = max(longest, seconds / user.shares)
            at += generator.expovariate(8 / (HOUR * (index + 1) / 2))
    server.run(7 * DAY)
    total = sum(user.seconds for user in users)
    for user in users:
        assert user.waiting
        assert user.seconds / total == pytest.approx(user.shares / 8, rel=0.1)
    levels = [user.build_share(server.now).level for user in users]
    assert max(levels) - min(levels) < longest, "no user is further ahead than by their longest job"
    # With a half-life h, eight slots that are always busy keep the usage at 8 h / ln 2.
    usage = sum(user.build_share(server.now).usage for user in users)
    assert usage == pytest.approx(8 * DAY / 0.6931 * (1 - 2**-7), rel=0.1)
    assert server.idle_while_permitted == 0


def test_bursts_of_short_jobs_do_not_escape_their_charge():
    """All of a burst is claimed before the first of it ends; without a charge at the claim it would be free."""
    bursty, steady = build_users(1, 1)
    server = SimulatedServer(10, [bursty, steady])
    for _ in range(200):
        server.submit(0.0, bursty, 1.0)
        server.submit(0.0, steady, 600.0)
    server.run(0.0)
    assert (bursty.running, steady.running) == (5, 5)


JOBS = st.lists(st.tuples(st.integers(0, 3), st.floats(0, DAY), st.floats(1, 4 * HOUR)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(JOBS, st.integers(1, 5), st.lists(st.sampled_from([None, 1, 2]), min_size=4, max_size=4))
def test_a_slot_is_never_idle_while_a_permitted_job_waits_and_every_job_runs(jobs, slots, limits):
    users = build_users(1, 2, 0.5, 1)
    for user, limit in zip(users, limits, strict=True):
        user.max_running = limit
    server = SimulatedServer(slots, users, estimate=lambda seconds: seconds / 2)
    for index, at, seconds in jobs:
        server.submit(at, users[index], seconds)
    server.run(1_000 * DAY)
    assert server.idle_while_permitted == 0
    assert sum(len(user.waits) for user in users) == len(jobs)
    assert all(user.running == 0 for user in users)


@settings(max_examples=10, deadline=None)
@given(st.floats(900, 2 * HOUR), st.integers(2, 6), st.floats(0.1, 10))
def test_a_user_is_not_starved_by_any_load_of_others(seconds, others, shares):
    """A user with one job a day starts it before the others have used more than the user has, for their shares."""
    # After a day, half of its last job counts; each of the others must catch up with that at most.
    bound = seconds * (1 + others * (1 + 1 / shares)) + ESTIMATE_S
    end = 3 * DAY + bound
    rare, *busy = build_users(shares, *[1.0] * others)
    server = SimulatedServer(1, [rare, *busy])
    for user in busy:  # each of them submits as much as the server can do
        for index in range(int(end / seconds)):
            server.submit(index * seconds, user, seconds)
    for day in range(3):
        server.submit(day * DAY + HOUR, rare, seconds)
    server.run(end)
    assert len(rare.waits) == 3
    assert max(rare.waits) <= bound


OWNERS = st.lists(
    st.tuples(st.floats(0, 1e6), st.floats(0.1, 8), st.integers(1, 30), st.floats(1, 1e5), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(OWNERS, st.integers(0, 5), st.sampled_from([None, 2, 4]))
def test_positions_are_those_of_the_order_that_claims_follow(owners, free_jobs, max_running):
    """Claim one job after the other in the order of fair share, without ends, and compare with the positions."""
    waiting = [WaitingOwner(None, free_jobs)] + [
        WaitingOwner(OwnerShare(UUID(int=index + 1), usage, shares, running, max_running), jobs, usage_per_job)
        for index, (usage, shares, jobs, usage_per_job, running) in enumerate(owners)
    ]
    order = FairOrder(waiting)
    turns = order.list_turns(10**6)
    assert [order.count_jobs_before(turn) for turn in turns] == list(range(len(turns)))
    assert turns[:free_jobs] == [Turn(None, index) for index in range(free_jobs)]
    claimed = Counter[UUID]()
    for turn in turns[free_jobs:]:
        ranked = rank_owners(
            OwnerShare(
                owner.owner_id,
                owner.share.shares * owner.build_key(claimed[owner.owner_id])[1],
                owner.share.shares,
                owner.share.running + claimed[owner.owner_id],
                max_running,
            )
            for owner in waiting[1:]
            if claimed[owner.owner_id] < owner.jobs
        )
        if not ranked:
            break
        level = next(share.level for share in ranked if share.owner_id == turn.owner_id)
        assert level == pytest.approx(ranked[0].level)
        claimed[turn.owner_id] += 1
