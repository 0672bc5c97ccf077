"""A long outage of the broker: submits are accepted meanwhile, and their jobs run after its return."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import brokers
from tests.faults.installation import start_installation


def run(database: str, *, seed: int, trials: int, say: Say, **_options: object) -> Result:
    """Stop the broker for `trials` minutes, and submit a job in each."""
    start = time.monotonic()
    say(f"{trials} minutes without a broker")
    with start_installation(database) as installation:
        outcome = brokers.run_absence_trial(installation, minutes=trials, say=say)
    return Result.from_outcome("absence", database, seed, start, {"minutes": trials}, outcome)
