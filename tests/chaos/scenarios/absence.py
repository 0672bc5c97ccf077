"""The broker away for long: submits are accepted meanwhile, and their jobs run when it is back."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import brokers
from tests.faults.installation import installed


def run(database: str, *, seed: int, trials: int, say: Say, **_options: object) -> Result:
    """Have the broker dead for so many minutes, in each of which a job is submitted."""
    began = time.monotonic()
    say(f"{trials} minutes without a broker")
    with installed(database) as on:
        outcome = brokers.absence(on, minutes=trials, say=say)
    return Result.told("absence", database, seed, began, {"minutes": trials}, outcome)
