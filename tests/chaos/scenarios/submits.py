"""Submits while the broker is away: each is answered 201, and soon."""

import time

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import brokers
from tests.faults.installation import installed


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Submit so many times fifty jobs to a broker that is dead."""
    began = time.monotonic()
    number = jobs or 50 * trials
    say(f"{number} submits")
    with installed(database, workers=0) as on:
        outcome = brokers.submits(on, number=number, clients=1, fault="dead")
    return Result.told("submits", database, seed, began, {"submits": number}, outcome)
