"""SIGKILL right before and right after every durable step that the server's processes make."""

import contextlib
import time
from collections import Counter, defaultdict, deque
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import Job
from tests.chaos.installation import Installation
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun
from tests.chaos.steps import Order, Steps

_PATIENCE_S = 10.0
"""For somebody to come by. Then an order is taken back and given again later, with others between: where a child is
struck at every turn, no job comes to the steps of its end."""
_TIMES = 4
"""So often is an order given, until somebody comes by."""
_PASSED_OVER = 2
"""In so many rounds may nobody come by; after that the step is left alone."""
_AT_ONCE = {"child": 2}
"""So many orders stand at once for a kind of process of which there are several."""
_SKIPS = (0, 0, 1, 3)
"""How often a child may pass a step first, when an order is given for the first time."""
_UPLOADS = 0.2
"""How often a look comes with an upload: the steps of the API are mostly those of a file."""
_NOT_HERE = ("migrate ", "other ")


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Strike so many times before and as many times after each step.

    A job may be struck often: the rule that ends a job after three crashes has a scenario of its own.
    """
    began = time.monotonic()
    with begun(database, seed=seed, say=say, STACKYARD_MAX_CRASHES="1000000", **options) as round_:
        round_.load.uploads = _UPLOADS
        round_.load.start(jobs or None)
        time.sleep(5)
        strikes = Strikes(round_)
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

    """

    def __init__(self, round_: Round, acts: tuple[str, ...] = ("kill",), but: str = "\n") -> None:
        self.struck: Counter[str] = Counter()
        self.passed_over: Counter[str] = Counter()
        """The orders for which nobody came by, however often they were given."""
        self._where: dict[UUID, list[str]] = defaultdict(list)
        self._left: dict[str, deque[tuple[Order, int]]] = defaultdict(deque)
        """Orders for each kind of process, and how often each will have been given."""
        self._given: dict[int, tuple[float, int]] = {}
        """Until when the orders stand, by their numbers, and how often each has been given."""
        self._steps = Steps(round_.installation.chaos)
        self._round = round_
        self._acts = acts
        self._but = but

    def everywhere(self, trials: int) -> None:
        """Strike so many times at each step, in a new order each time; those that come to be known on the way, too.

        The next round begins as soon as some kind of process has none of this one's before it any more.
        """
        for number in range(trials):
            plan = self._plan()
            self._round.say(f"round {number + 1} of {trials}: {len(plan)} orders")
            for order in plan:
                self._left[_process(order)].append((order, 1))
            while self._left and all(self._awaited(process) for process in self._left):
                self._go_on()
        while any(self._awaited(process) for process in self._left):
            self._go_on()

    def _plan(self) -> list[Order]:
        places = [place for place in self._steps.seen() if not place.startswith(_NOT_HERE)]
        plan = [
            Order(place, moment, act, self._round.random.choice(_SKIPS) if place.startswith("child ") else 0)
            for place in places
            for moment in ("before", "after")
            for act in self._acts
            if not place.endswith(self._but)
        ]
        self._round.random.shuffle(plan)
        return [order for order in plan if self.passed_over[_where(order)] < _PASSED_OVER]

    def measured(self) -> dict[str, Any]:
        """How many steps were struck, how often each was, and which orders nobody came by for."""
        struck, passed_over = (dict(sorted(counted.items())) for counted in (self.struck, self.passed_over))
        return {"steps": len(struck), "struck": struck, "passed over": passed_over}

    def at_fault(self, faults: list[str]) -> list[str]:
        """Where the jobs were struck with which something was wrong."""
        concerned = {job_id for job_id in self._where if any(str(job_id) in fault for fault in faults)}
        return [f"{job_id} was struck {', '.join(self._where[job_id])}" for job_id in concerned]

    def _awaited(self, process: str) -> bool:
        """Whether something is still to happen to this kind of process."""
        return bool(self._left[process] or self._standing(process))

    def _standing(self, process: str) -> int:
        return sum(_process(order) == process for order in self._steps.armed.values())

    def _go_on(self) -> None:
        """Give orders where there is room; take note of those carried out; take those back for which nobody came."""
        for process, orders in self._left.items():
            while orders and self._standing(process) < _AT_ONCE.get(process, 1):
                order, times = orders.popleft()
                self._given[self._steps.arm(order)] = (time.monotonic() + _PATIENCE_S, times)
        time.sleep(0.05)
        for number, order, pid in self._steps.fired():
            self._given.pop(number, None)
            self._note(order, pid)
        for number, (until, times) in list(self._given.items()):
            if time.monotonic() >= until:
                self._take_back(number, times)

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
        job_id = _job_of(self._round.installation, pid)
        if job_id is not None:
            self._where[job_id].append(where)
        self._round.say(f"{self.struck.total()}: {where}: process {pid}, job {job_id}")


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
