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
        self._steps = Steps(round_.installation.chaos)
        self._round = round_
        self._acts = acts
        self._but = but

    def everywhere(self, trials: int) -> None:
        """Strike so many times at each step, in a new order each time; those that come to be known on the way, too."""
        for number in range(trials):
            places = [place for place in self._steps.seen() if not place.startswith(_NOT_HERE)]
            plan = [
                Order(place, moment, act, self._round.random.choice(_SKIPS) if place.startswith("child ") else 0)
                for place in places
                for moment in ("before", "after")
                for act in self._acts
                if not place.endswith(self._but)
            ]
            self._round.random.shuffle(plan)
            self._round.say(f"round {number + 1} of {trials}: {len(plan)} orders")
            self._carry_out(plan)
        self._steps.disarm()

    def measured(self) -> dict[str, Any]:
        """How many steps were struck, how often each was, and which orders nobody came by for."""
        struck, passed_over = (dict(sorted(counted.items())) for counted in (self.struck, self.passed_over))
        return {"steps": len(struck), "struck": struck, "passed over": passed_over}

    def at_fault(self, faults: list[str]) -> list[str]:
        """Where the jobs were struck with which something was wrong."""
        concerned = {job_id for job_id in self._where if any(str(job_id) in fault for fault in faults)}
        return [f"{job_id} was struck {', '.join(self._where[job_id])}" for job_id in concerned]

    def _carry_out(self, plan: list[Order]) -> None:
        """Have the orders carried out: of the kinds of process, each has its own, one after the other."""
        left: dict[str, deque[Order]] = defaultdict(deque)
        times: Counter[tuple[str, str, str]] = Counter()
        for order in plan:
            left[_process(order)].append(order)
        given: dict[str, tuple[int, float]] = {}
        while given or any(left.values()):
            for process, orders in left.items():
                if process not in given and orders:
                    given[process] = (self._steps.arm(orders.popleft()), time.monotonic() + _PATIENCE_S)
            time.sleep(0.05)
            for number, order, pid in self._steps.fired():
                self._note(order, pid)
                given = {process: standing for process, standing in given.items() if standing[0] != number}
            for process, (number, until) in list(given.items()):
                if time.monotonic() >= until:
                    self._take_back(number, left[process], times)
                    del given[process]

    def _take_back(self, number: int, left: deque[Order], times: Counter[tuple[str, str, str]]) -> None:
        """An order for which nobody came by is given again after the others, or not any more."""
        order = self._steps.armed[number]
        self._steps.disarm(number)
        what = (order.place, order.moment, order.act)
        times[what] += 1
        if times[what] < _TIMES:
            left.append(replace(order, skip=0))
        else:
            self.passed_over[f"{order.act} {order.moment} {order.place}"] += 1

    def _note(self, order: Order, pid: int) -> None:
        where = f"{order.moment} {order.place}" if order.act == "kill" else f"{order.act} {order.moment} {order.place}"
        self.struck[where] += 1
        job_id = _job_of(self._round.installation, pid)
        if job_id is not None:
            self._where[job_id].append(where)
        self._round.say(f"{self.struck.total()}: {where}: process {pid}, job {job_id}")


def _process(order: Order) -> str:
    """The kind of process that comes by there."""
    return order.place.partition(" ")[0]


def _job_of(installation: Installation, pid: int) -> UUID | None:
    query = select(Job.id).where(Job.state == "running", Job.worker.like(f"%:{pid}"))
    with contextlib.suppress(SQLAlchemyError), installation.sessions.read() as session:
        return session.scalar(query)
    return None
