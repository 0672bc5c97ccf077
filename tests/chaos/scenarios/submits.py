"""Submits while the broker is down: each is promptly answered 201."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import brokers
from tests.faults.installation import start_installation


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Submit 50 jobs per trial while the broker is dead."""
    start = time.monotonic()
    number = jobs or 50 * trials
    say(f"{number} submits")
    with start_installation(database, workers=0) as installation:
        outcome = brokers.run_submit_trial(installation, number=number, clients=1, fault="dead")
    return Result.from_outcome("submits", database, seed, start, {"submits": number}, outcome)
