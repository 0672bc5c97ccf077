"""SIGKILL at random times to random processes of a server that runs sweeps; a trial is a kill."""

import contextlib
import time
from typing import Any
from uuid import UUID

import httpx2

from models import SWEEP_END_STATES
from tests.chaos.installation import Installation, start_installation
from tests.chaos.nemesis import Nemesis
from tests.chaos.report import Result
from tests.chaos.round import Say, create_random
from tests.chaos.sweep_verdict import judge_sweep
from tests.chaos.verdict import Verdict
from tests.factories import iris_spec

_MAX_STANDSTILL_S = 120.0
"""Once the kills are over, a sweep counts as stuck if it reports nothing for this long."""
_RATE = "/training/optimizer/learning_rate"
_SEARCHES: dict[str, dict[str, Any]] = {
    "tpe": {"search": {"method": "tpe", "seed": 1}, "max_concurrent": 2},
    "halving": {"search": {"method": "random", "seed": 2}, "halving": {"eta": 3, "from_epoch": 5}},
    "reruns": {"search": {"method": "sobol", "seed": 3}, "repeats": {"count": 2, "of_top": 2}},
}


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **_options: object) -> Result:
    """Kill `trials` processes while sweeps of `jobs` trials together run; by default four trials for each kill."""
    start, count = time.monotonic(), max(3, (jobs or 4 * trials) // len(_SEARCHES))
    with start_installation(database) as installation:
        sweeps = {name: _submit(installation, name, count) for name in _SEARCHES}
        nemesis = Nemesis(installation, create_random(seed, "scenario"))
        while nemesis.kills.total() < trials and not _have_ended(installation, sweeps):
            nemesis.wait_before_strike()
            if (role := nemesis.kill_random_process()) is not None:
                say(f"kill {nemesis.kills.total()} of {trials}: {role}")
        _wait_for_ends(installation, sweeps, say)
        faults = [
            f"{name}: {fault}" for name, sweep in sweeps.items() for fault in judge_sweep(installation.sessions, sweep)
        ]
        listed = {item["id"] for item in _get(installation, "/v1/sweeps")["items"]}
        if listed != {str(sweep) for sweep in sweeps.values()}:
            faults.append(f"{len(listed)} sweeps exist, and {len(sweeps)} were submitted")
        measured = {"trials of sweeps": count * len(sweeps), "starts of serve": installation.starts}
        seconds = time.monotonic() - start
        return Result("sweep", database, seed, seconds, nemesis.kills, Verdict(), measured, faults)


def _submit(installation: Installation, name: str, count: int) -> UUID:
    """Submit a sweep, again and again with the same key until it is answered."""
    base = iris_spec(training={"epochs": 45})
    sweep = {"name": name, "base": base, "space": {_RATE: {"log_uniform": [1e-4, 1e-1]}}, "budget": {"trials": count}}
    while True:
        with contextlib.suppress(httpx2.TransportError), installation.create_client() as http:
            response = http.post("/v1/sweeps", json=sweep | _SEARCHES[name], headers={"Idempotency-Key": name})
            if response.status_code == 201:
                return UUID(response.json()["id"])
        time.sleep(0.2)


def _get(installation: Installation, path: str) -> Any:
    while True:
        with contextlib.suppress(httpx2.TransportError, httpx2.HTTPStatusError), installation.create_client() as http:
            return http.get(path).raise_for_status().json()
        time.sleep(0.2)


def _load_views(installation: Installation, sweeps: dict[str, UUID]) -> list[dict[str, Any]]:
    return [_get(installation, f"/v1/sweeps/{sweep}") for sweep in sweeps.values()]


def _have_ended(installation: Installation, sweeps: dict[str, UUID]) -> bool:
    return all(view["state"] in SWEEP_END_STATES for view in _load_views(installation, sweeps))


def _wait_for_ends(installation: Installation, sweeps: dict[str, UUID], say: Say) -> None:
    """Wait until all sweeps have ended, for as long as one of them changes."""
    last_change, before = time.monotonic(), None
    while time.monotonic() - last_change < _MAX_STANDSTILL_S:
        views = _load_views(installation, sweeps)
        if all(view["state"] in SWEEP_END_STATES for view in views):
            return
        changes = [(view["changed_at"], view["counts"]) for view in views]
        if changes != before:
            last_change, before = time.monotonic(), changes
            say(", ".join(f"{view['name']}: {_count_open_trials(view)} open trials" for view in views))
        time.sleep(0.5)


def _count_open_trials(view: dict[str, Any]) -> int:
    return sum(view["counts"][state] for state in ("waiting", "running", "held"))
