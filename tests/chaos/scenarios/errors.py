"""Errors of the disk at every step that writes a file: no room, and an I/O error, before the call and after it."""

import time
from collections.abc import Sequence
from typing import Any

from tests.chaos.report import Result
from tests.chaos.round import Say, begun
from tests.chaos.scenarios.disk import STORAGE
from tests.chaos.scenarios.steps import Strikes

_ERRORS = ("ENOSPC", "EIO")
_OF_THE_DATABASE = " commit"


def run(
    database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, places: Sequence[str] = ("",), **options: Any
) -> Result:
    """Have every write, sync, rename and removal fail so many times with each error."""
    began = time.monotonic()
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.excused = STORAGE
        round_.load.start(jobs or None)
        time.sleep(5)
        strikes = Strikes(round_, _ERRORS, _OF_THE_DATABASE, places)
        strikes.everywhere(trials)
        verdict = round_.end()
        verdict.faults += strikes.at_fault(verdict.faults)
        return Result.of(round_, "errors", began, strikes.struck, verdict, strikes.measured())
