"""Disk errors (no space, I/O error) before and after every step that writes a file."""

import time
from collections.abc import Sequence
from typing import Any

from tests.chaos.report import Result
from tests.chaos.round import Say, start_round
from tests.chaos.scenarios.disk import STORAGE
from tests.chaos.scenarios.steps import FaultCampaign

_ERRORS = ("ENOSPC", "EIO")
_COMMIT_SUFFIX = " commit"


def run(
    database: str,
    *,
    seed: int,
    trials: int,
    say: Say,
    jobs: int = 0,
    step_filters: Sequence[str] = ("",),
    **options: Any,
) -> Result:
    """Make every write, sync, rename and removal fail `trials` times with each error."""
    start = time.monotonic()
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.excused = STORAGE
        round_.load.start(jobs or None)
        time.sleep(5)
        campaign = FaultCampaign(round_, _ERRORS, _COMMIT_SUFFIX, step_filters)
        campaign.strike_all_steps(trials)
        verdict = round_.finish()
        verdict.faults += campaign.explain_faults(verdict.faults)
        return Result.from_round(round_, "errors", start, campaign.struck, verdict, campaign.summarize())
