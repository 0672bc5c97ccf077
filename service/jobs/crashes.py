"""Attempts that took their process down: such a job is tried again, but not for ever."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs import lifecycle


@dataclass(frozen=True)
class Crash:
    """How the process of an attempt ended.

    Args:
        what: in words that begin in lower case and end without a stop.
        signal: the name of the signal that killed it.
        exit_status: its exit status, where no signal killed it.
        for_memory: whether the system killed it because memory ran out.

    """

    what: str
    signal: str | None = None
    exit_status: int | None = None
    for_memory: bool = False


def end(session: Session, job: Job, crash: Crash, *, max_crashes: int) -> None:
    """End the attempt: its job waits again or, after `max_crashes` of them, has failed.

    Args:
        session: in a transaction that may write.
        job: running, as the database has it now, locked.
        crash: what happened.
        max_crashes: how many a job may have; the last one is its end.

    """
    crashes = job.crashes + 1
    estimate = job.memory_estimate if crash.for_memory else None
    details = {
        "signal": crash.signal,
        "exit_status": crash.exit_status,
        "last_epoch": job.epochs_done - 1 if job.epochs_done else None,
        "peak_memory": job.peak_memory,
        "estimate": estimate,
    }
    told = f"{crash.what}{_of_memory(job.peak_memory, estimate) if crash.for_memory else ''}"
    if crashes < max_crashes or job.cancel_requested:
        why = lifecycle.reason("attempt_crashed", f"In attempt {job.attempt}, {told}.", **details)
        lifecycle.let_go(session, job, why, crashes=crashes)
        return
    message = f"{crashes} attempts crashed. In the last one, {told}."
    lifecycle.move(
        session,
        job.id,
        to=JobState.FAILED,
        from_=[JobState.RUNNING],
        fence=job.attempt,
        why=lifecycle.reason("crashed", message, **details),
        crashes=crashes,
    )


def _of_memory(peak: int | None, estimate: int | None) -> str:
    had = "" if peak is None else f"; it had been seen with {peak:,} bytes"
    return had if estimate is None else f"{had}; the check estimates {estimate:,} for the training, without its rows"
