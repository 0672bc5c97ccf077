"""Attempts without a training, for tests that need only their rows in the database."""

from collections.abc import Sequence

from models import JobState
from service.db.database import SessionFactory
from service.jobs import attempts, lifecycle, recovery
from service.jobs.attempts import (
    Claim,
    Conclusion,
    EpochMetrics,
    MetricSummary,
    ReleasedAttempt,
    StoredCheckpoint,
)
from service.storage.artifact_store import FileReference
from worker.attempt.stop_reasons import UntilEpochReached


def claim_job(sessions: SessionFactory, queue: str = "cpu", lease_s: float = 60.0) -> Claim:
    """Claim the first job of the queue."""
    with sessions.begin() as session:
        claimed = attempts.claim_job(session, queue=queue, worker="here:8", lease_s=lease_s)
    assert claimed is not None
    return claimed


def record_epochs(sessions: SessionFactory, claim: Claim, epochs: Sequence[int]) -> None:
    """Record epochs whose loss is their number."""
    rows = [EpochMetrics(epoch, [float(epoch)]) for epoch in epochs]
    with sessions.begin() as session:
        attempts.record_epochs(session, claim, ["loss"], rows, {"loss": MetricSummary(0.0, 0.0, 0)})


def conclude_attempt(sessions: SessionFactory, claim: Claim, state: JobState = JobState.SUCCEEDED) -> None:
    """Conclude the attempt."""
    with sessions.begin() as session:
        attempts.conclude_attempt(session, claim, Conclusion(state))


def build_checkpoint(claim: Claim, epochs: int) -> StoredCheckpoint:
    """Build a checkpoint after some epochs, whose file is in no store."""
    return StoredCheckpoint(FileReference(f"{claim.job_id}-{epochs}", 8), epochs, 0, 1.5)


def stop_at_until_epoch(sessions: SessionFactory, claim: Claim, epochs: int) -> None:
    """Record so many epochs and release the attempt, as a worker does that stops for `until_epoch`."""
    record_epochs(sessions, claim, range(epochs))
    released = UntilEpochReached(build_checkpoint(claim, epochs)).ending
    assert isinstance(released, ReleasedAttempt)
    with sessions.begin() as session:
        attempts.release_attempt(session, claim, released)


def succeed_with_checkpoint(sessions: SessionFactory, claim: Claim, epochs: int) -> None:
    """Record so many epochs and conclude the attempt with a final checkpoint."""
    record_epochs(sessions, claim, range(epochs))
    conclusion = Conclusion(JobState.SUCCEEDED, checkpoint=build_checkpoint(claim, epochs))
    with sessions.begin() as session:
        attempts.conclude_attempt(session, claim, conclusion)


def lose_attempt(sessions: SessionFactory, claim: Claim) -> None:
    """Lose the attempt, and requeue its job."""
    with sessions.begin() as session:
        reason = lifecycle.build_reason("attempt_lost", "Lost.")
        from_states = [JobState.RUNNING]
        assert lifecycle.transition_job(
            session,
            claim.job_id,
            to_state=JobState.QUEUED,
            from_states=from_states,
            fence=claim.attempt,
            reason=reason,
        )


def recover_lost_attempts(sessions: SessionFactory) -> int:
    """End every attempt whose lease has expired; return their number."""
    with sessions.begin() as session:
        return sum(recovery.end_attempt_if_lost(session, job_id) for job_id in recovery.list_lost_attempts(session))
