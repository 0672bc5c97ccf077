"""Attempts made by hand, for tests that need what a worker leaves behind and no training."""

from collections.abc import Sequence

from models import JobState
from service.db.database import Sessions
from service.jobs import attempts, lifecycle, recovery
from service.jobs.attempts import Claim, Conclusion, EpochRow, MetricSummary


def claim(sessions: Sessions, queue: str = "cpu", lease_s: float = 60.0) -> Claim:
    """An attempt at the queue's best job."""
    with sessions.begin() as session:
        claimed = attempts.claim(session, queue=queue, worker="here:8", lease_s=lease_s)
    assert claimed is not None
    return claimed


def record(sessions: Sessions, claimed: Claim, epochs: Sequence[int]) -> None:
    """Epochs whose loss is their number."""
    rows = [EpochRow(epoch, [float(epoch)]) for epoch in epochs]
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, ["loss"], rows, {"loss": MetricSummary(0.0, 0.0, 0)})


def conclude(sessions: Sessions, claimed: Claim, state: JobState = JobState.SUCCEEDED) -> None:
    """The attempt's end."""
    with sessions.begin() as session:
        attempts.conclude(session, claimed, Conclusion(state))


def lose(sessions: Sessions, claimed: Claim) -> None:
    """The attempt is lost, and its job waits again."""
    with sessions.begin() as session:
        why = lifecycle.reason("attempt_lost", "Lost.")
        origin = [JobState.RUNNING]
        assert lifecycle.move(
            session, claimed.job_id, to=JobState.QUEUED, from_=origin, fence=claimed.attempt, why=why
        )


def recover(sessions: Sessions) -> int:
    """Every attempt whose lease is over is ended; how many there were."""
    with sessions.begin() as session:
        return sum(recovery.recover(session, job_id) for job_id in recovery.lost_attempts(session))
