"""The CPU time that a sweep needs for each finished trial, in this process and without trainings.

Jobs are claimed and concluded as a worker does it, with invented losses, on SQLite.
"""

import json
import math
import statistics
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from installation import SMALL_JOB

from migrations.upgrade import upgrade_database
from models import Job, JobState
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.history.metric_summaries import MetricSummary
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochMetrics
from service.queue.queue_notifier import QueueNotifier
from service.settings import Settings
from service.sweeps.life.creation import SweepSubmitter, advance_completely

LAST_TRIALS = 100
"""The mean is over so many trials at the end, when the sweep has the most rows."""
RATE = "/training/optimizer/learning_rate"


def measure_scheduling(method: str, trials: int) -> float:
    """Return the milliseconds of CPU time for each of the last finished trials."""
    with _open_database() as (sessions, settings):
        notifier = QueueNotifier(_drop_wake_up)
        submitter = SweepSubmitter(sessions, settings.limits, notifier)
        sweep_id = submitter.submit(json.dumps(_build_sweep(method, trials)).encode())
        notifier.close()
        seconds = [_finish_trial(sessions, settings, sweep_id) for _ in range(trials)]
    return 1000 * statistics.fmean(seconds[-LAST_TRIALS:])


def _drop_wake_up(queue: str) -> None:
    """Wake no worker of the queue, because this process finishes the jobs itself."""
    del queue


@contextmanager
def _open_database() -> Generator[tuple[SessionFactory, Settings]]:
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        settings = Settings(data_dir=Path(directory))
        upgrade_database(settings)
        sessions = SessionFactory(settings.resolved_database_url)
        with sessions.begin() as session:
            ensure_builtins(session)
        yield sessions, settings
        sessions.dispose()


def _build_sweep(method: str, trials: int) -> dict[str, object]:
    base = SMALL_JOB | {"training": SMALL_JOB["training"] | {"optimizer": {"type": "Adam", "learning_rate": 0.01}}}
    space = {RATE: {"log_uniform": [1e-4, 1e-1]}, "/training/optimizer/beta_1": {"uniform": [0.8, 0.95]}}
    search = {"method": method, "seed": 0}
    return {"base": base, "space": space, "search": search, "budget": trials, "max_concurrent": 4}


def _finish_trial(sessions: SessionFactory, settings: Settings, sweep_id: UUID) -> float:
    """Let a worker claim and conclude a job. Return the CPU seconds of advancing its sweep afterwards."""
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
    if claim is None:
        raise RuntimeError("expected a waiting job of the sweep, received none")
    with sessions.begin() as session:
        job = session.get_one(Job, claim.job_id)
        loss = abs(math.log10(job.spec["training"]["optimizer"]["learning_rate"]) + 2)
        attempts.record_epochs(
            session, claim, ["loss"], [EpochMetrics(0, [loss])], {"loss": MetricSummary(loss, loss, 0)}
        )
        attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED))
    start = time.process_time()
    advance_completely(sessions, sweep_id, settings.limits)
    return time.process_time() - start
