"""Several processes write to one SQLite database at once, as the API and workers do."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.report import Result
from tests.chaos.round import Say
from tests.faults import databases

DATABASES = ("sqlite",)
_PROCESSES = 8


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Write 500 times per trial."""
    start = time.monotonic()
    writes = jobs or 500 * trials
    say(f"{writes} writes")
    with TemporaryDirectory(prefix="chaos-") as directory:
        outcome = databases.run_writer_trial(
            databases.create_database(Path(directory)), processes=_PROCESSES, writes=writes
        )
    return Result.from_outcome("writers", database, seed, start, {"writes": outcome.trials}, outcome)
