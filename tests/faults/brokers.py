"""Long trials of a broker that goes: `python -m tests.faults.brokers outages --rounds 50 --database postgresql`."""

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx2

from tests.factories import iris_spec
from tests.faults.installation import Installation, installed
from tests.faults.outcome import Outcome, percentile

_EPOCHS = 5
_LONG_EPOCHS = 2_000


def outages(on: Installation, *, rounds: int, seed: int) -> Outcome:
    """Kill, flush and freeze the broker while a job runs and others are submitted; all are to be done once.

    The outcome's `resumed_s` say how long after the broker was back the jobs that were submitted meanwhile began.
    """
    draw = random.Random(seed)  # noqa: S311 a trial that can be had again
    outcome, resumed = Outcome(), list[float]()
    for number in range(rounds):
        fault = draw.choice(["killed", "flushed", "frozen"])
        running = on.api.submit(iris_spec(training={"epochs": _LONG_EPOCHS}))
        if draw.random() < 0.5:
            on.api.until_ended(running)
        meanwhile = _away(on, fault, draw.uniform(0, 8))
        back = time.time()
        ended = _finished(outcome.hold(on.api, running, _LONG_EPOCHS))
        began = [_started(outcome.hold(on.api, job_id, _EPOCHS)) for job_id in meanwhile]
        resumed.append(min(began) - max(back, ended))
        outcome.trials += 1
        print(f"{number:3} {fault:8} resumed after {resumed[-1]:.1f} s", flush=True)  # noqa: T201
    outcome.figures["resumed_s"] = f"median {percentile(resumed, 0.5):.1f}, longest {max(resumed):.1f}"
    return outcome


def submits(on: Installation, *, number: int, clients: int, fault: str) -> Outcome:
    """Submit while the broker is away; every answer is to be a 201, soon."""
    outcome = Outcome(trials=number)
    {"dead": on.valkey.kill, "frozen": on.valkey.freeze, "there": lambda: None}[fault]()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: _timed(on.api.http), range(number)))
    statuses = [status for status, _ in answers]
    times = [took for _, took in answers]
    outcome.wrong = [f"answered {status}" for status in statuses if status != httpx2.codes.CREATED]
    outcome.figures["ms"] = ", ".join(
        f"{name} {1000 * percentile(times, share):.0f}" for name, share in (("median", 0.5), ("p99", 0.99), ("max", 1))
    )
    return outcome


def _away(on: Installation, fault: str, gap: float) -> list[str]:
    """Let the broker be away for so long, and submit meanwhile."""
    leave, back = {
        "killed": (on.valkey.kill, on.valkey.start),
        "flushed": (on.valkey.flush, lambda: None),
        "frozen": (on.valkey.freeze, on.valkey.thaw),
    }[fault]
    leave()
    meanwhile = [on.api.submit(iris_spec(training={"epochs": _EPOCHS})) for _ in range(3)]
    time.sleep(gap if fault != "flushed" else 0)
    if fault == "flushed":
        leave()  # what was sent meanwhile, too
    back()
    return meanwhile


def _timed(http: httpx2.Client) -> tuple[int, float]:
    began = time.perf_counter()
    status = http.post("/v1/jobs", json=iris_spec()).status_code
    return status, time.perf_counter() - began


def _started(job: dict[str, Any]) -> float:
    return datetime.fromisoformat(job["started_at"]).timestamp()


def _finished(job: dict[str, Any]) -> float:
    return datetime.fromisoformat(job["finished_at"]).timestamp()


def main() -> None:
    """Run one of the trials, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("trial", choices=["outages", "submits"])
    options.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--number", type=int, default=500)
    options.add_argument("--clients", type=int, default=1)
    options.add_argument("--fault", choices=["dead", "frozen", "there"], default="dead")
    asked = options.parse_args()
    with installed(asked.database, workers=asked.trial == "outages") as on:
        if asked.trial == "outages":
            outcome = outages(on, rounds=asked.rounds, seed=asked.seed)
        else:
            outcome = submits(on, number=asked.number, clients=asked.clients, fault=asked.fault)
        print(outcome)  # noqa: T201


if __name__ == "__main__":
    main()
