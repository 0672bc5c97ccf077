"""Two hundred event streams and fifty pollers, for as long as is asked, while jobs train."""

import time

from tests.chaos.installation import installed
from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults.outcome import Outcome
from tests.loads.watching import watch

_TRIAL_S = 6.0


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Listen and poll for so many times six seconds."""
    began = time.monotonic()
    say(f"{trials * _TRIAL_S:.0f} s of streams and pollers")
    with installed(database) as on:
        heard = watch(on.url, seconds=trials * _TRIAL_S)
    outcome = Outcome(trials=len(heard.read_times), jobs=jobs, wrong=heard.wrong, figures={"heard": str(heard)})
    return Result.told("streams", database, seed, began, {"reads": len(heard.read_times)}, outcome)
