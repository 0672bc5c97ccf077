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
from tests.chaos.fault_injection import FaultInjector, FaultOrder
from tests.chaos.installation import Installation
from tests.chaos.owner_actions import OwnerActions
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, create_random, start_round
from tests.chaos.triggers import StepTriggers

_PATIENCE_S = 10.0
"""The time after which an order is withdrawn if no process reaches its step. It is armed again later, after others:
if children were struck all the time, no job would reach the steps at its end."""
_REHEARSAL_S = 60.0
"""The time within which the triggers reach most rare steps. Steps that are found later are struck, too."""
_TRIGGER_PATIENCE_S = 30.0
"""The patience for steps that have a trigger."""
_MAX_ARMINGS = 4
"""The number of times that an order is armed if no process reaches its step."""
_MAX_UNREACHED = 5
"""A step is left alone after this many orders in a row that no process reached."""
_MAX_ARMED = {"child": 2}
"""The number of armed orders per kind of process; several children run at once, and one process of other kinds."""
_RESTARTED = ("worker",)
"""The processes that `serve` restarts until they have ended three times within ten seconds of their start."""
_MAX_QUICK_DEATHS = 2
"""After this many deaths in quick succession, the process gets `_SETTLED_S` to live."""
_SETTLED_S = 14.0
_SKIPS = (0, 0, 1, 3)
"""The choices for how often a child passes a step first, when an order is armed for the first time."""
_GRACE = "10"
"""Seconds before a discarded file is removed; short, so that files are removed all the time."""
_IGNORED_PREFIXES = ("migrate ", "other ")


def run(
    database: str,
    *,
    seed: int,
    trials: int,
    say: Say,
    jobs: int = 0,
    step_filters: Sequence[str] = ("",),
    **options: Any,
) -> Result:
    """Kill `trials` times before and `trials` times after each step whose name contains one of the filters.

    A job may crash often here: the limit of three crashes has its own scenario.
    """
    start = time.monotonic()
    options = {"own_api": True, "STACKYARD_MAX_CRASHES": "1000000", "STACKYARD_DISCARD_GRACE_S": _GRACE} | options
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.owner_actions = OwnerActions(round_.installation, create_random(seed, "deeds"))
        round_.load.start(jobs or None)
        time.sleep(5)
        triggers = StepTriggers(round_, round_.load.owner_actions)
        campaign = FaultCampaign(round_, step_filters=step_filters, triggers=triggers)
        campaign.strike_all_steps(trials)
        verdict = round_.finish()
        verdict.faults += campaign.explain_faults(verdict.faults)
        return Result.from_round(round_, "steps", start, campaign.struck, verdict, campaign.summarize())


class FaultCampaign:
    """Arms orders for every known step, and records the steps that were struck and the jobs that this concerned.

    Args:
        round_: the server and its load.
        faults: the faults that happen at each step.
        ignored_suffix: an ending of the steps that are left alone.
        step_filters: a step is left alone unless its name contains one of these.
        triggers: make processes reach rare steps; without triggers, those are struck when a process happens by.

    """

    def __init__(
        self,
        round_: Round,
        faults: tuple[str, ...] = ("kill",),
        ignored_suffix: str = "\n",
        step_filters: Sequence[str] = ("",),
        triggers: StepTriggers | None = None,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self.unreached: Counter[str] = Counter()
        """The number of orders in a row that no process reached, however often they were armed."""
        self._struck_jobs: dict[UUID, list[str]] = defaultdict(list)
        self._pending: dict[str, deque[tuple[FaultOrder, int]]] = defaultdict(deque)
        """The orders by kind of process, each with the number of its next arming."""
        self._deadlines: dict[int, tuple[float, int]] = {}
        """The deadline and the number of armings of each armed order, by the order's number."""
        self._last_deaths: dict[str, float] = defaultdict(lambda: -math.inf)
        self._quick_deaths: Counter[str] = Counter()
        """The number of latest deaths in quick succession, by kind of process."""
        self._injector = FaultInjector(round_.installation.chaos)
        self._triggers = triggers
        self._round = round_
        self._faults = faults
        self._ignored_suffix = ignored_suffix
        self._step_filters = step_filters

    def strike_all_steps(self, trials: int) -> None:
        """Strike each step this many times, in a random order; include steps that are found meanwhile."""
        deadline = time.monotonic() + _REHEARSAL_S
        while self._pull_missing_triggers() and time.monotonic() < deadline:
            time.sleep(1)
        while self._fill_pending(trials) or self._injector.armed_orders:
            self._pull_missing_triggers()
            self._advance()
        if self._triggers:
            self._triggers.close()

    def summarize(self) -> dict[str, Any]:
        """Return the number of steps, the strikes per step, and the orders that no process reached."""
        struck, unreached = (dict(sorted(counts.items())) for counts in (self.struck, self.unreached))
        return {"steps": len(struck), "struck": struck, "passed over": unreached}

    def explain_faults(self, faults: list[str]) -> list[str]:
        """Return the strikes of each job that a fault names."""
        faulty = {job_id for job_id in self._struck_jobs if any(str(job_id) in fault for fault in faults)}
        return [f"{job_id} was struck {', '.join(self._struck_jobs[job_id])}" for job_id in faulty]

    def _pull_missing_triggers(self) -> bool:
        """Pull the triggers of steps that no process has passed; return whether there are any."""
        return self._triggers is not None and self._triggers.pull_missing(self._injector.list_steps())

    def _fill_pending(self, trials: int) -> bool:
        """Plan orders for each kind of process that has none; return whether any order is pending."""
        plan = self._plan_orders(trials)
        for process in {_get_process_kind(order) for order in plan}:
            if not self._pending[process]:
                orders = [order for order in plan if _get_process_kind(order) == process]
                self._pending[process].extend((order, 1) for order in orders)
                self._round.say(f"{process}: {len(orders)} orders")
        return any(self._pending.values())

    def _plan_orders(self, trials: int) -> list[FaultOrder]:
        """Return an order, in random order, for each fault that has not happened often enough."""
        counts = self.struck + Counter(_format_order(order) for order in self._injector.armed_orders.values())
        plan = [
            FaultOrder(step, timing, fault, self._round.random.choice(_SKIPS) if step.startswith("child ") else 0)
            for step in self._injector.list_steps()
            if self._is_selected(step)
            for timing in ("before", "after")
            for fault in self._faults
        ]
        self._round.random.shuffle(plan)
        labels = [(order, _format_order(order)) for order in plan]
        return [order for order, label in labels if counts[label] < trials and self.unreached[label] < _MAX_UNREACHED]

    def _is_selected(self, step: str) -> bool:
        is_ignored = step.startswith(_IGNORED_PREFIXES) or step.endswith(self._ignored_suffix)
        return not is_ignored and any(word in step for word in self._step_filters)

    def _advance(self) -> None:
        """Arm orders where there is room, record faults that fired, and withdraw orders after their deadline."""
        for process, orders in self._pending.items():
            while orders and self._can_arm(process):
                self._arm(*orders.popleft())
        for order in self._injector.armed_orders.values() if self._triggers else ():
            self._triggers.pull(order.step)
        time.sleep(0.05)
        for number, order, pid in self._injector.collect_fired():
            self._deadlines.pop(number, None)
            self._record_strike(order, pid)
        for number, (deadline, armings) in list(self._deadlines.items()):
            if time.monotonic() >= deadline:
                self._withdraw(number, armings)

    def _arm(self, order: FaultOrder, armings: int) -> None:
        has_trigger = self._triggers is not None and self._triggers.has_trigger(order.step)
        patience = _TRIGGER_PATIENCE_S if has_trigger else _PATIENCE_S
        self._deadlines[self._injector.arm(order)] = (time.monotonic() + patience, armings)

    def _can_arm(self, process: str) -> bool:
        """Return whether one more order may be armed for this kind of process."""
        armed = sum(_get_process_kind(order) == process for order in self._injector.armed_orders.values())
        return armed < _MAX_ARMED.get(process, 1) and not (process in _RESTARTED and self._needs_rest(process))

    def _needs_rest(self, process: str) -> bool:
        """Return whether the process must live for a while first, so that `serve` does not give up."""
        is_settled = time.monotonic() - self._last_deaths[process] >= _SETTLED_S
        return self._quick_deaths[process] >= _MAX_QUICK_DEATHS and not is_settled

    def _withdraw(self, number: int, armings: int) -> None:
        """Disarm an order that no process reached; queue it again unless it was armed often enough."""
        order = self._injector.armed_orders[number]
        self._injector.disarm(number)
        del self._deadlines[number]
        if armings < _MAX_ARMINGS:
            self._pending[_get_process_kind(order)].append((replace(order, skip=0), armings + 1))
        else:
            self.unreached[_format_order(order)] += 1

    def _record_strike(self, order: FaultOrder, pid: int) -> None:
        label = _format_order(order)
        self.struck[label] += 1
        del self.unreached[label]
        if order.fault == "kill":
            self._record_death(_get_process_kind(order))
        job_id = _find_job(self._round.installation, pid)
        if job_id is not None:
            self._struck_jobs[job_id].append(label)
        self._round.say(f"{self.struck.total()}: {label}: process {pid}, job {job_id}")

    def _record_death(self, process: str) -> None:
        is_quick = time.monotonic() - self._last_deaths[process] < _SETTLED_S
        self._quick_deaths[process] = self._quick_deaths[process] + 1 if is_quick else 0
        self._last_deaths[process] = time.monotonic()


def _format_order(order: FaultOrder) -> str:
    label = f"{order.timing} {order.step}"
    return label if order.fault == "kill" else f"{order.fault} {label}"


def _get_process_kind(order: FaultOrder) -> str:
    return order.step.partition(" ")[0]


def _find_job(installation: Installation, pid: int) -> UUID | None:
    query = select(Job.id).where(Job.state == "running", Job.worker.like(f"%:{pid}"))
    with contextlib.suppress(SQLAlchemyError), installation.sessions.read() as session:
        return session.scalar(query)
    return None
