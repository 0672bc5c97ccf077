"""A trial of a scenario: a server, how its jobs come out undisturbed, a disturbance under load, the verdict."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from tests.chaos import audit
from tests.chaos.installation import Installation, installed
from tests.chaos.load import Load
from tests.chaos.specs import SPECS
from tests.chaos.verdict import Ended, Verdict, judge, reference
from tests.waiting import until

_UNDISTURBED_S = 300.0
_STANDSTILL_S = 180.0
"""So long may nothing end, when nobody disturbs any more, before what is left counts as lost."""

Say = Callable[[str], None]


@dataclass
class Round:
    """A server under load, and how each kind of job comes out when nobody disturbs it."""

    database: str
    seed: int
    installation: Installation
    load: Load
    references: dict[str, Ended]
    random: Random
    say: Say
    expected: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """How the jobs may end that may end in another way than undisturbed: a state and a reason's code."""
    excused: frozenset[str] = frozenset()
    """How all others may end."""

    def ended(self) -> int:
        """How many jobs have been disturbed and have ended."""
        return len(self.load.accepted) - len(self.references) - len(self.load.unended())

    def settle(self) -> None:
        """Wait until every accepted job has ended, as long as now and then one does."""
        since, left = time.monotonic(), self.load.unended()
        while left and time.monotonic() - since < _STANDSTILL_S:
            time.sleep(0.3)
            if len(now := self.load.unended()) < len(left):
                since, left = time.monotonic(), now

    def end(self) -> Verdict:
        """Wait for the jobs to end, and tell what became of them."""
        self.load.stop()
        self.settle()
        return judge(self.installation, self.load, self.references, self.expected, self.excused)


def drawn(seed: int, what: str) -> Random:
    """Numbers for one thread, which no other's draws change."""
    return Random(f"{seed} {what}")  # noqa: S311  # to be repeated, not to be secret


@contextmanager
def _kept(installation: Installation, directory: Path | None) -> Iterator[None]:
    """Copy what the server's processes have said, at the end."""
    try:
        yield
    finally:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            for log in installation.logs():
                shutil.copy(log, directory / f"{installation.port}-{log.name}")


@contextmanager
def begun(
    database: str,
    *,
    seed: int,
    say: Say,
    kinds: Sequence[str] = (),
    ahead: int = 6,
    logs: Path | None = None,
    **options: Any,
) -> Iterator[Round]:
    """A server that is ready, keeps a record of writes, and has trained each kind of job once."""
    random = drawn(seed, "scenario")
    kinds = list(kinds or SPECS)
    with installed(database, **options) as installation, _kept(installation, logs):
        audit.install(installation.sessions)
        load, first = (Load(installation, kinds, ahead=ahead, random=drawn(seed, "load")) for _ in range(2))
        undisturbed = {kind: first.submit(kind, -1) for kind in kinds}
        until(lambda: not first.unended(), within=_UNDISTURBED_S, every=0.2)
        references = {kind: reference(installation, job_id) for kind, job_id in undisturbed.items()}
        for kind, ended in references.items():
            say(f"undisturbed, {kind}: {ended.state}, {len(ended.epochs)} epochs")
        load.accepted |= first.accepted
        load.answers += first.answers
        yield Round(database, seed, installation, load, references, random, say)
