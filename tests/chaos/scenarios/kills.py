"""SIGKILL at random moments, on every part of the server in turn."""

import time
from typing import Any

from tests.chaos.deeds import Deeds
from tests.chaos.nemesis import Nemesis
from tests.chaos.report import Result
from tests.chaos.round import Say, begun, drawn


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Kill so many processes, while so many jobs (five for three kills, unless said otherwise) come and go."""
    began = time.monotonic()
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.deeds = Deeds(round_.installation, drawn(seed, "deeds"))
        nemesis = Nemesis(round_.installation, round_.random)
        round_.load.start()
        jobs = jobs or max(1, trials * 5 // 3)
        while nemesis.count < trials or round_.ended() < jobs:
            nemesis.wait()
            due = nemesis.count < trials and nemesis.count * jobs <= round_.ended() * trials + jobs
            if due and (part := nemesis.strike()) is not None:
                say(f"kill {nemesis.count} of {trials}: {part}; {round_.ended()} of {jobs} jobs ended")
        verdict = round_.end()
        deeds = dict(sorted(round_.load.deeds.done.items()))
        measured = {"starts of serve": round_.installation.starts, "deeds": deeds}
        return Result.of(round_, "kills", began, nemesis.kills, verdict, measured)
