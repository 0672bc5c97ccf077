"""PostgreSQL restarted under load, in order and by a crash."""

import time
from collections import Counter
from typing import Any

import httpx2

from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun
from tests.waiting import until

DATABASES = ("postgres",)
_AWAY_S = (0.0, 3.0)


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Restart it so many times, and have it away for a moment."""
    began = time.monotonic()
    done: Counter[str] = Counter()
    meanwhile: Counter[str] = Counter()
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        for number in range(trials):
            time.sleep(round_.random.uniform(1.0, 5.0))
            how = round_.random.choice(["fast", "immediate"])
            _restart(round_, how, meanwhile)
            done[f"restarted, {how}"] += 1
            say(f"restart {number + 1} of {trials}: {how}; {len(round_.load.accepted)} jobs accepted")
        verdict = round_.end()
        measured = {"answers while it was away": dict(meanwhile)}
        broken = [f"while it was away: {answer}" for answer in meanwhile if answer != "503 with Retry-After"]
        return Result.of(round_, "postgres", began, done, verdict, measured, broken)


def _restart(round_: Round, how: str, meanwhile: Counter[str]) -> None:
    postgres = round_.installation.postgres
    assert postgres is not None
    postgres.stop(how)
    back = time.monotonic() + round_.random.uniform(*_AWAY_S)
    with round_.installation.client() as http:
        while True:
            meanwhile[_answer(http)] += 1
            if time.monotonic() > back:
                break
            time.sleep(0.2)
    postgres.start()
    until(round_.installation.ready, within=60, every=0.1)


def _answer(http: httpx2.Client) -> str:
    try:
        response = http.get("/v1/jobs?limit=5")
    except httpx2.TransportError as error:
        return f"no answer: {error!r}"
    patient = " with Retry-After" if "Retry-After" in response.headers else ""
    return f"{response.status_code}{patient}"
