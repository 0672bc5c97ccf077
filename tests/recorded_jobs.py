"""Jobs with a recorded history, without a training."""

from collections.abc import Mapping, Sequence
from typing import Any

from models import Job
from service.db.database import SessionFactory
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochMetrics, MetricSummary
from tests.factories import submit_job


def create_recorded_job(
    sessions: SessionFactory,
    metrics: Mapping[str, Sequence[float]],
    conclusion: Conclusion | None = None,
    *,
    summaries: Mapping[str, MetricSummary] | None = None,
    **spec: Any,
) -> Job:
    """Create a running job with these epochs, or one that ended with `conclusion`; `spec` changes its spec."""
    job = submit_job(sessions, **spec)
    rows = [EpochMetrics(epoch, values) for epoch, values in enumerate(zip(*metrics.values(), strict=True))]
    summaries = summaries or dict.fromkeys(metrics, MetricSummary(None, None, None))
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=30)
        attempts.record_epochs(session, claim, list(metrics), rows, summaries)
        if conclusion is not None:
            attempts.conclude_attempt(session, claim, conclusion)
    return job
