"""The broker killed, started again, and emptied, while jobs wait for its wake-ups."""

import signal
import time
from collections import Counter
from datetime import datetime
from typing import Any

import redis
from sqlalchemy import func, select

from models import Transition
from service.db.database import now
from stackyard.cli.serving import broker
from tests.chaos.installation import Installation
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun
from tests.faults.brokers import RESUMES_WITHIN_S
from tests.waiting import until

_STANDS_STILL_S = 3.0


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Do one of these so many times: kill the broker, empty it, have it stand still for a while."""
    began = time.monotonic()
    done: Counter[str] = Counter()
    waits: list[float] = []
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        for number in range(trials):
            time.sleep(round_.random.uniform(0.2, 3.0))
            kind = round_.random.choice(["killed", "emptied", "killed and emptied", "stood still"])
            _disturb(round_, kind)
            done[kind] += 1
            waits.append(_until_work_resumes(round_.installation))
            say(f"broker {number + 1} of {trials}: {kind}; a job was taken {waits[-1]:.1f} s later")
        verdict = round_.end()
        measured = {"longest until a job was taken, s": round(max(waits), 1)}
        broken = [f"work resumed after {wait:.1f} s" for wait in waits if wait > RESUMES_WITHIN_S]
        return Result.of(round_, "brokers", began, done, verdict, measured, broken)


def _disturb(round_: Round, kind: str) -> None:
    path = broker.socket_path(round_.installation.data_dir)
    for victim in round_.installation.processes("broker"):
        if kind == "stood still":
            victim.send_signal(signal.SIGSTOP)
            time.sleep(_STANDS_STILL_S)
            victim.send_signal(signal.SIGCONT)
        elif kind.startswith("killed"):
            victim.kill()
            victim.wait(10)
    until(lambda: broker.is_up(path), within=30)
    if kind.endswith("emptied"):
        with redis.Redis(unix_socket_path=str(path)) as client:
            client.flushall()


def _until_work_resumes(installation: Installation) -> float:
    """Seconds until a job is taken."""
    with installation.sessions.begin() as session:
        since = now(session)
    query = select(func.min(Transition.at)).where(Transition.to_state == "running", Transition.at > since)

    def taken() -> datetime | None:
        with installation.sessions.read() as session:
            return session.scalar(query)

    return (until(taken, within=120, every=0.1) - since).total_seconds()
