"""SIGKILL right before and right after every durable step that the server's processes make."""

import contextlib
import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import Job
from tests.chaos.deeds import Deeds
from tests.chaos.installation import Installation
from tests.chaos.occasions import Occasions
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun, drawn
from tests.chaos.steps import Order, Steps

_PATIENCE_S = 10.0
"""For somebody to come by. Then an order is taken back and given again later, with others between: where a child is
struck at every turn, no job comes to the steps of its end."""
_KNOWN_WITHIN_S = 60.0
"""Somebody has come by the steps that are seldom made; those that come to be known later are struck, too."""
_LONGER_S = 30.0
"""Where it is brought about that somebody comes by."""
_TIMES = 4
"""So often is an order given, until somebody comes by."""
_PASSED_OVER = 5
"""For so many orders one after the other may nobody come by; after that the step is left alone."""
_AT_ONCE = {"child": 2}
"""So many orders stand at once for a kind of process of which there are several."""
_RESTARTED = ("worker",)
"""What `serve` starts again, until it has ended three times within ten seconds of its start."""
_QUICK_ENDS = 2
"""So often may that be; then it is let live for so long."""
_SETTLED_S = 14.0
_SKIPS = (0, 0, 1, 3)
"""How often a child may pass a step first, when an order is given for the first time."""
_GRACE = "10"
"""Seconds for which a discarded file stays: so files are removed all the time."""
_NOT_HERE = ("migrate ", "other ")


def run(
    database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, places: Sequence[str] = ("",), **options: Any
) -> Result:
    """Strike so many times before and as many times after each step whose name has one of the words in it.

    A job may be struck often: the rule that ends a job after three crashes has a scenario of its own.
    """
    began = time.monotonic()
    options = {"own_api": True, "STACKYARD_MAX_CRASHES": "1000000", "STACKYARD_DISCARD_GRACE_S": _GRACE} | options
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.deeds = Deeds(round_.installation, drawn(seed, "deeds"))
        round_.load.start(jobs or None)
        time.sleep(5)
        strikes = Strikes(round_, places=places, occasions=Occasions(round_, round_.load.deeds))
        strikes.everywhere(trials)
        verdict = round_.end()
        verdict.faults += strikes.at_fault(verdict.faults)
        return Result.of(round_, "steps", began, strikes.struck, verdict, strikes.measured())


class Strikes:
    """Gives orders for every step that is known, takes note of what was struck, and of the jobs that this was in.

    Args:
        round_: the server and its load.
        acts: what is to happen, one after the other, at each step.
        but: an ending of the steps that are left alone.
        places: words, of which the name of a step has one, or the step is left alone.
        occasions: what has somebody come by the seldom steps; without, they are struck when somebody does.

    """

    def __init__(
        self,
        round_: Round,
        acts: tuple[str, ...] = ("kill",),
        but: str = "\n",
        places: Sequence[str] = ("",),
        occasions: Occasions | None = None,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self.passed_over: Counter[str] = Counter()
        """For how many orders, one after the other, nobody came by, however often they were given."""
        self._where: dict[UUID, list[str]] = defaultdict(list)
        self._left: dict[str, deque[tuple[Order, int]]] = defaultdict(deque)
        """Orders for each kind of process, and how often each will have been given."""
        self._given: dict[int, tuple[float, int]] = {}
        """Until when the orders stand, by their numbers, and how often each has been given."""
        self._last: dict[str, float] = defaultdict(lambda: -math.inf)
        """When the kinds of process were struck."""
        self._quick: Counter[str] = Counter()
        """How often they were, the last times, soon after one another."""
        self._steps = Steps(round_.installation.chaos)
        self._occasions = occasions
        self._round = round_
        self._acts = acts
        self._but = but
        self._places = places

    def everywhere(self, trials: int) -> None:
        """Strike so many times at each step, in a new order each time; those that come to be known on the way, too."""
        until = time.monotonic() + _KNOWN_WITHIN_S
        while self._rehearse() and time.monotonic() < until:
            time.sleep(1)
        while self._replenish(trials) or self._steps.armed:
            self._rehearse()
            self._go_on()
        if self._occasions:
            self._occasions.end()

    def _rehearse(self) -> bool:
        """Have somebody come by the seldom steps by which nobody has; whether there are such."""
        return self._occasions is not None and self._occasions.rehearse(self._steps.seen())

    def _replenish(self, trials: int) -> bool:
        """Plan a round for each kind of process that has none before it; whether any has one."""
        plan = self._plan(trials)
        for process in {_process(order) for order in plan}:
            if not self._left[process]:
                orders = [order for order in plan if _process(order) == process]
                self._left[process].extend((order, 1) for order in orders)
                self._round.say(f"{process}: {len(orders)} orders")
        return any(self._left.values())

    def _plan(self, trials: int) -> list[Order]:
        """An order for each moment that has not been struck often enough."""
        enough = self.struck + Counter(_where(order) for order in self._steps.armed.values())
        plan = [
            Order(place, moment, act, self._round.random.choice(_SKIPS) if place.startswith("child ") else 0)
            for place in self._steps.seen()
            if self._concerned(place)
            for moment in ("before", "after")
            for act in self._acts
        ]
        self._round.random.shuffle(plan)
        return [o for o in plan if enough[_where(o)] < trials and self.passed_over[_where(o)] < _PASSED_OVER]

    def _concerned(self, place: str) -> bool:
        others = place.startswith(_NOT_HERE) or place.endswith(self._but)
        return not others and any(word in place for word in self._places)

    def measured(self) -> dict[str, Any]:
        """How many steps were struck, how often each was, and which orders nobody came by for."""
        struck, passed_over = (dict(sorted(counted.items())) for counted in (self.struck, self.passed_over))
        return {"steps": len(struck), "struck": struck, "passed over": passed_over}

    def at_fault(self, faults: list[str]) -> list[str]:
        """Where the jobs were struck with which something was wrong."""
        concerned = {job_id for job_id in self._where if any(str(job_id) in fault for fault in faults)}
        return [f"{job_id} was struck {', '.join(self._where[job_id])}" for job_id in concerned]

    def _go_on(self) -> None:
        """Give orders where there is room; take note of those carried out; take those back for which nobody came."""
        for process, orders in self._left.items():
            while orders and self._may_be_struck(process):
                order, times = orders.popleft()
                brought = self._occasions is not None and self._occasions.known(order.place)
                patience = _LONGER_S if brought else _PATIENCE_S
                self._given[self._steps.arm(order)] = (time.monotonic() + patience, times)
        for order in self._steps.armed.values() if self._occasions else ():
            self._occasions.bring(order.place)
        time.sleep(0.05)
        for number, order, pid in self._steps.fired():
            self._given.pop(number, None)
            self._note(order, pid)
        for number, (until, times) in list(self._given.items()):
            if time.monotonic() >= until:
                self._take_back(number, times)

    def _may_be_struck(self, process: str) -> bool:
        """Whether an order more may stand."""
        standing = sum(_process(order) == process for order in self._steps.armed.values())
        return standing < _AT_ONCE.get(process, 1) and not (process in _RESTARTED and self._rests(process))

    def _rests(self, process: str) -> bool:
        """Whether it must live for a while first, lest `serve` give up."""
        return self._quick[process] >= _QUICK_ENDS and time.monotonic() - self._last[process] < _SETTLED_S

    def _take_back(self, number: int, times: int) -> None:
        """An order for which nobody came by is given again after the others, or not any more."""
        order = self._steps.armed[number]
        self._steps.disarm(number)
        del self._given[number]
        if times < _TIMES:
            self._left[_process(order)].append((replace(order, skip=0), times + 1))
        else:
            self.passed_over[_where(order)] += 1

    def _note(self, order: Order, pid: int) -> None:
        where = _where(order)
        self.struck[where] += 1
        del self.passed_over[where]
        if order.act == "kill":
            self._note_death(_process(order))
        job_id = _job_of(self._round.installation, pid)
        if job_id is not None:
            self._where[job_id].append(where)
        self._round.say(f"{self.struck.total()}: {where}: process {pid}, job {job_id}")

    def _note_death(self, process: str) -> None:
        soon = time.monotonic() - self._last[process] < _SETTLED_S
        self._quick[process] = self._quick[process] + 1 if soon else 0
        self._last[process] = time.monotonic()


def _where(order: Order) -> str:
    where = f"{order.moment} {order.place}"
    return where if order.act == "kill" else f"{order.act} {where}"


def _process(order: Order) -> str:
    """The kind of process that comes by there."""
    return order.place.partition(" ")[0]


def _job_of(installation: Installation, pid: int) -> UUID | None:
    query = select(Job.id).where(Job.state == "running", Job.worker.like(f"%:{pid}"))
    with contextlib.suppress(SQLAlchemyError), installation.sessions.read() as session:
        return session.scalar(query)
    return None
