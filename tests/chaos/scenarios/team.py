"""SIGKILL at random times to random processes of a server with users, shares and limits; a trial is a kill."""

import time
from typing import Any
from uuid import UUID

from tests.chaos.nemesis import Nemesis
from tests.chaos.owner_actions import OwnerActions
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, create_random, start_round
from tests.chaos.team_verdict import judge_team

_MEMBERS: tuple[dict[str, Any], ...] = (
    {"name": "ben", "shares": 3.0, "max_running": 1, "max_queued": 3},
    {"name": "eve", "shares": 1.0, "max_queued": 3},
)


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Kill `trials` processes while `jobs` jobs of three users run; by default five jobs for three kills."""
    start, jobs = time.monotonic(), jobs or max(1, trials * 5 // 3)
    with start_round(database, seed=seed, say=say, **options) as round_:
        users = _add_users(round_)
        round_.load.owner_actions = OwnerActions(round_.installation, create_random(seed, "deeds"))
        nemesis = Nemesis(round_.installation, round_.random)
        round_.load.start()
        while nemesis.kills.total() < trials or round_.count_finished_jobs() < jobs:
            nemesis.wait_before_strike()
            kills, finished = nemesis.kills.total(), round_.count_finished_jobs()
            is_due = kills < trials and kills * jobs <= finished * trials + jobs
            if is_due and (role := nemesis.kill_random_process()) is not None:
                say(f"kill {kills + 1} of {trials}: {role}; {finished} of {jobs} jobs ended")
        verdict = round_.finish()
        faults = judge_team(round_.installation, round_.load, users)
        measured = {"starts of serve": round_.installation.starts, "users": len(users)}
        return Result.from_round(round_, "team", start, nemesis.kills, verdict, measured, faults)


def _add_users(round_: Round) -> dict[UUID, int | None]:
    """Add an admin and members, and return the maximum number of running jobs of each."""
    limits: dict[UUID, int | None] = {round_.installation.add_user("ann", role="admin"): None}
    for member in _MEMBERS:
        limits[round_.installation.add_user(**member)] = member.get("max_running")
    return limits
