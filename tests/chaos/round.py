"""A round of a scenario: start a server, train each kind of job undisturbed, disturb it under load, judge the jobs."""

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
from tests.chaos.installation import Installation, start_installation
from tests.chaos.load import Load
from tests.chaos.specs import SPECS
from tests.chaos.verdict import JobOutcome, Verdict, judge_jobs, read_outcome
from tests.polling import wait_until

_UNDISTURBED_S = 300.0
_MAX_STANDSTILL_S = 180.0
"""Once the disturbance is over, jobs count as lost if none ends for this long."""

Say = Callable[[str], None]


@dataclass
class Round:
    """A server under load, and the outcome of each kind of job without a disturbance."""

    database: str
    seed: int
    installation: Installation
    load: Load
    references: dict[str, JobOutcome]
    random: Random
    say: Say
    expected: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """Further allowed ends of single jobs, each as a state and a reason's code."""
    excused: frozenset[str] = frozenset()
    """Further allowed ends of all other jobs."""

    def count_finished_jobs(self) -> int:
        """Return the number of finished jobs, without the undisturbed ones."""
        return len(self.load.accepted) - len(self.references) - len(self.load.list_unfinished_jobs())

    def wait_for_jobs(self) -> None:
        """Wait until every accepted job has ended, for as long as there is progress."""
        last_progress, unfinished = time.monotonic(), self.load.list_unfinished_jobs()
        while unfinished and time.monotonic() - last_progress < _MAX_STANDSTILL_S:
            time.sleep(0.3)
            if len(remaining := self.load.list_unfinished_jobs()) < len(unfinished):
                last_progress, unfinished = time.monotonic(), remaining

    def finish(self) -> Verdict:
        """Stop the load, wait for the jobs to end, and judge them."""
        self.load.stop()
        self.wait_for_jobs()
        return judge_jobs(self.installation, self.load, self.references, self.expected, self.excused)


def create_random(seed: int, purpose: str) -> Random:
    """Return a generator whose numbers do not depend on the draws of other threads."""
    return Random(f"{seed} {purpose}")  # noqa: S311  # to be repeated, not to be secret


@contextmanager
def _copying_logs(installation: Installation, directory: Path | None) -> Iterator[None]:
    """Copy the logs of the server's processes to the directory at the end of the block."""
    try:
        yield
    finally:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            for log in installation.list_logs():
                shutil.copy(log, directory / f"{installation.port}-{log.name}")


@contextmanager
def start_round(
    database: str,
    *,
    seed: int,
    say: Say,
    kinds: Sequence[str] = (),
    ahead: int = 6,
    logs: Path | None = None,
    **options: Any,
) -> Iterator[Round]:
    """Start a server with an audit of its writes, and train each kind of job once undisturbed."""
    random = create_random(seed, "scenario")
    kinds = list(kinds or SPECS)
    with start_installation(database, **options) as installation, _copying_logs(installation, logs):
        audit.install_triggers(installation.sessions)
        load, first = (Load(installation, kinds, ahead=ahead, random=create_random(seed, "load")) for _ in range(2))
        undisturbed = {kind: first.submit_job(kind, -1) for kind in kinds}
        wait_until(lambda: not first.list_unfinished_jobs(), within=_UNDISTURBED_S, every=0.2)
        references = {kind: read_outcome(installation, job_id) for kind, job_id in undisturbed.items()}
        for kind, outcome in references.items():
            say(f"undisturbed, {kind}: {outcome.state}, {len(outcome.epochs)} epochs")
        load.accepted |= first.accepted
        load.answers += first.answers
        yield Round(database, seed, installation, load, references, random, say)
