"""SIGKILL at random times to random processes of the server."""

import time
from typing import Any

from tests.chaos.nemesis import Nemesis
from tests.chaos.owner_actions import OwnerActions
from tests.chaos.report import Result
from tests.chaos.round import Say, create_random, start_round


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Kill `trials` processes while `jobs` jobs run; by default five jobs for three kills."""
    start = time.monotonic()
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.owner_actions = OwnerActions(round_.installation, create_random(seed, "deeds"))
        nemesis = Nemesis(round_.installation, round_.random)
        round_.load.start()
        jobs = jobs or max(1, trials * 5 // 3)
        while nemesis.kills.total() < trials or round_.count_finished_jobs() < jobs:
            nemesis.wait_before_strike()
            kills, finished = nemesis.kills.total(), round_.count_finished_jobs()
            is_due = kills < trials and kills * jobs <= finished * trials + jobs
            if is_due and (role := nemesis.kill_random_process()) is not None:
                say(f"kill {kills + 1} of {trials}: {role}; {round_.count_finished_jobs()} of {jobs} jobs ended")
        verdict = round_.finish()
        actions = dict(sorted(round_.load.owner_actions.counts.items()))
        measured = {"starts of serve": round_.installation.starts, "deeds": actions}
        return Result.from_round(round_, "kills", start, nemesis.kills, verdict, measured)
