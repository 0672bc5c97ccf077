"""Workers on two hosts that lose their network in turn."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import hosts

DATABASES = ("postgres",) if hosts.can_create_hosts() else ()


def run(database: str, *, seed: int, trials: int, say: Say, **_options: object) -> Result:
    """Disconnect a host `trials` times."""
    start = time.monotonic()
    outcome = hosts.run_trial(rounds=trials, say=say)
    return Result.from_outcome("hosts", database, seed, start, {"cables pulled": outcome.trials}, outcome)
