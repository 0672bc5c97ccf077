"""Many event streams and pollers while jobs train."""

import time

from tests.chaos.installation import start_installation
from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults.outcome import Outcome
from tests.loads.watching import watch_trainings

_TRIAL_S = 6.0


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Stream and poll for `trials` times the duration of a trial."""
    start = time.monotonic()
    say(f"{trials * _TRIAL_S:.0f} s of streams and pollers")
    with start_installation(database) as installation:
        figures = watch_trainings(installation.url, seconds=trials * _TRIAL_S)
    outcome = Outcome(trials=len(figures.read_times), jobs=jobs, wrong=figures.wrong, figures={"heard": str(figures)})
    return Result.from_outcome("streams", database, seed, start, {"reads": len(figures.read_times)}, outcome)
