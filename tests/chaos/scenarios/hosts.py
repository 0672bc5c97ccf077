"""Workers on two hosts whose cables are pulled in turn."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import hosts

DATABASES = ("postgres",) if hosts.possible() else ()


def run(database: str, *, seed: int, trials: int, say: Say, **_options: object) -> Result:
    """Pull a cable so many times."""
    began = time.monotonic()
    outcome = hosts.trial(rounds=trials, say=say)
    return Result.told("hosts", database, seed, began, {"cables pulled": outcome.trials}, outcome)
