"""Lists of jobs with large specs: a list must not read them."""

import json
import math
import time

from tests.attacks.target import AttackResult, Target

TITLE = "Lists that load every spec"
POINT = 4
JOBS = 10
LAYERS = 900
REPEATS = 10
MAX_RATIO = 5.0
"""How much longer a list of jobs with large specs may take than one of jobs with small ones.

SQLite walks over the pages of a large spec to reach the columns behind it. Loading the specs takes much longer.
"""


def run_attack(target: Target) -> AttackResult:
    """Submit jobs with small and with large specs, and compare the time of both lists."""
    seconds: dict[str, float] = {}
    job_ids: list[str] = []
    for name, layers in (("attack-small", 1), ("attack-large", LAYERS)):
        for _ in range(JOBS):
            response = target.client.post("/v1/jobs", content=_build_spec(name, layers), headers=_JSON)
            job_ids.append(response.raise_for_status().json()["id"])
    for name in ("attack-small", "attack-large") * REPEATS:
        seconds[name] = min(seconds.get(name, math.inf), _time_list(target, name))
    for job_id in job_ids:
        target.client.delete(f"/v1/jobs/{job_id}")
    figures = {name: f"{1000 * value:.0f} ms" for name, value in seconds.items()}
    return AttackResult(held=seconds["attack-large"] < MAX_RATIO * seconds["attack-small"], figures=figures)


def _time_list(target: Target, name: str) -> float:
    begin = time.monotonic()
    target.client.get("/v1/jobs", params={"limit": JOBS, "name": name}).raise_for_status()
    return time.monotonic() - begin


_JSON = {"Content-Type": "application/json"}


def _build_spec(name: str, layers: int) -> bytes:
    """Build a spec. With its defaults, each layer takes half a kilobyte in the database."""
    spec = {
        "name": name,
        "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
        "network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}] * layers},
        "training": {"loss": "sparse_categorical_crossentropy"},
    }
    return json.dumps(spec).encode()
