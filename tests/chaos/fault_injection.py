"""Orders for faults at the durable steps of a server's processes, as `injected/sitecustomize.py` names the steps."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class FaultOrder:
    """A fault that happens once.

    Args:
        step: the name of a step, as in `FaultInjector.list_steps`.
        timing: `before` or `after` the step.
        fault: `kill`, or the name of the error number with which the call fails.
        skip: the number of times that a process passes the step before the fault.

    """

    step: str
    timing: str
    fault: str = "kill"
    skip: int = 0


class FaultInjector:
    """Exchanges orders and results with `injected/sitecustomize.py` by files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._orders: dict[int, FaultOrder] = {}
        """Every order that has not fired. Disarmed orders are included, because a process may just be at the step."""
        self._armed: set[int] = set()
        self._count = 0

    def list_steps(self) -> list[str]:
        """Return the names of all steps that any process has passed so far."""
        path = self._directory / "seen"
        return sorted(set(path.read_text().split("\n")) - {""}) if path.exists() else []

    def arm(self, order: FaultOrder) -> int:
        """Arm an order for the next process that reaches the step; return the order's number."""
        self._count += 1
        self._orders[self._count] = order
        self._armed.add(self._count)
        self._write_orders()
        return self._count

    @property
    def armed_orders(self) -> dict[int, FaultOrder]:
        """The armed orders by number."""
        return {number: self._orders[number] for number in sorted(self._armed)}

    def disarm(self, number: int) -> None:
        """Withdraw an order, if it is armed."""
        self._armed.discard(number)
        self._write_orders()

    def collect_fired(self) -> list[tuple[int, FaultOrder, int]]:
        """Return number, order and process id of each fault since the last call."""
        fired: list[tuple[int, FaultOrder, int]] = []
        for path in self._directory.glob("fired-*"):
            number = int(path.name.partition("-")[2])
            if number in self._orders and (pid := path.read_text()):
                fired.append((number, self._orders.pop(number), int(pid)))
        if fired:
            self._armed -= {number for number, _, _ in fired}
            self._write_orders()
        return fired

    def _write_orders(self) -> None:
        orders = [{"number": number, **asdict(order)} for number, order in self.armed_orders.items()]
        draft = self._directory / "armed.new"
        draft.write_text(json.dumps(orders))
        draft.replace(self._directory / "armed")
