"""The durable steps of a server's processes, as `injected` names them, and what is to happen at some of them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What is to happen once.

    Args:
        place: a step, as `Steps.seen` has it.
        moment: `before` or `after` it.
        act: `kill`, or the name of an error number that the call is to fail with.
        skip: how often a process may pass there first.

    """

    place: str
    moment: str
    act: str = "kill"
    skip: int = 0


class Steps:
    """Reads and writes the directory that `injected` looks into."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._given: dict[int, Order] = {}
        """Every order whose end is not known, also those that were taken back, for somebody may just be at it."""
        self._standing: set[int] = set()
        self._count = 0

    def seen(self) -> list[str]:
        """Every step that some process has come by so far."""
        path = self._directory / "seen"
        return sorted(set(path.read_text().split("\n")) - {""}) if path.exists() else []

    def arm(self, order: Order) -> int:
        """Have an order carried out when somebody comes by; its number."""
        self._count += 1
        self._given[self._count] = order
        self._standing.add(self._count)
        self._write()
        return self._count

    @property
    def armed(self) -> dict[int, Order]:
        """What stands, by the orders' numbers."""
        return {number: self._given[number] for number in sorted(self._standing)}

    def disarm(self, number: int) -> None:
        """Take an order back, if it stands."""
        self._standing.discard(number)
        self._write()

    def fired(self) -> list[tuple[int, Order, int]]:
        """What was carried out since this was last asked: the order's number, the order, the process."""
        found: list[tuple[int, Order, int]] = []
        for path in self._directory.glob("fired-*"):
            number = int(path.name.partition("-")[2])
            if number in self._given and (told := path.read_text()):
                found.append((number, self._given.pop(number), int(told)))
        if found:
            self._standing -= {number for number, _, _ in found}
            self._write()
        return found

    def _write(self) -> None:
        orders = [{"number": number, **asdict(order)} for number, order in self.armed.items()]
        draft = self._directory / "armed.new"
        draft.write_text(json.dumps(orders))
        draft.replace(self._directory / "armed")
