"""Jobs with a history, as a worker leaves them, without a training."""

from collections.abc import Mapping, Sequence
from typing import Any

from models import Job
from service.db.database import Sessions
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochRow, MetricSummary
from tests.factories import submit


def record(
    sessions: Sessions,
    metrics: Mapping[str, Sequence[float]],
    conclusion: Conclusion | None = None,
    **spec: Any,
) -> Job:
    """A job that runs and has these epochs, or ended so; `spec` changes what was asked for."""
    job = submit(sessions, **spec)
    rows = [EpochRow(epoch, values) for epoch, values in enumerate(zip(*metrics.values(), strict=True))]
    summaries = dict.fromkeys(metrics, MetricSummary(None, None, None))
    with sessions.begin() as session:
        claimed = attempts.claim(session, queue="cpu", worker="here:1", lease_s=30)
        attempts.record_epochs(session, claimed, list(metrics), rows, summaries)
        if conclusion is not None:
            attempts.conclude(session, claimed, conclusion)
    return job
