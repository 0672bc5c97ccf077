"""The broker is killed, restarted and emptied while jobs wait for its wake-ups."""

import signal
import time
from collections import Counter
from datetime import datetime
from typing import Any

import redis
from sqlalchemy import func, select

from models import Transition
from service.db.database import get_current_time
from stackyard.cli.serving import broker
from tests.chaos.installation import Installation
from tests.chaos.report import Result
from tests.chaos.round import Round, Say, start_round
from tests.faults.brokers import RESUMES_WITHIN_S
from tests.polling import wait_until

_STOPPED_S = 3.0


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Disturb the broker `trials` times: kill it, empty it, or stop it for a while."""
    start = time.monotonic()
    counts: Counter[str] = Counter()
    waits: list[float] = []
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        for number in range(trials):
            time.sleep(round_.random.uniform(0.2, 3.0))
            kind = round_.random.choice(["killed", "emptied", "killed and emptied", "stood still"])
            _disturb_broker(round_, kind)
            counts[kind] += 1
            waits.append(_wait_for_claim(round_.installation))
            say(f"broker {number + 1} of {trials}: {kind}; a job was taken {waits[-1]:.1f} s later")
        verdict = round_.finish()
        measured = {"longest until a job was taken, s": round(max(waits), 1)}
        broken = [f"work resumed after {wait:.1f} s" for wait in waits if wait > RESUMES_WITHIN_S]
        return Result.from_round(round_, "brokers", start, counts, verdict, measured, broken)


def _disturb_broker(round_: Round, kind: str) -> None:
    path = broker.prepare_socket_path(round_.installation.data_dir)
    for victim in round_.installation.list_processes("broker"):
        if kind == "stood still":
            victim.send_signal(signal.SIGSTOP)
            time.sleep(_STOPPED_S)
            victim.send_signal(signal.SIGCONT)
        elif kind.startswith("killed"):
            victim.kill()
            victim.wait(10)
    wait_until(lambda: broker.is_up(path), within=30)
    if kind.endswith("emptied"):
        with redis.Redis(unix_socket_path=str(path)) as client:
            client.flushall()


def _wait_for_claim(installation: Installation) -> float:
    """Return the seconds until a worker claims a job."""
    with installation.sessions.begin() as session:
        since = get_current_time(session)
    query = select(func.min(Transition.at)).where(Transition.to_state == "running", Transition.at > since)

    def find_claim() -> datetime | None:
        with installation.sessions.read() as session:
            return session.scalar(query)

    return (wait_until(find_claim, within=120, every=0.1) - since).total_seconds()
