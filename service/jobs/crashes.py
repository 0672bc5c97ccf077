"""Attempts whose process crashed: the job is tried again, up to a number of crashes."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs import lifecycle


@dataclass(frozen=True)
class Crash:
    """The way in which the process of an attempt ended.

    Args:
        description: a clause that begins in lower case and ends without a full stop.
        signal: the name of the signal that killed the process.
        exit_status: the exit status of the process, if no signal killed it.
        is_out_of_memory: whether the system killed the process because memory ran out.

    """

    description: str
    signal: str | None = None
    exit_status: int | None = None
    is_out_of_memory: bool = False


def end_crashed_attempt(session: Session, job: Job, crash: Crash, *, max_crashes: int) -> None:
    """End the attempt. Its job waits again; with the last allowed crash it becomes failed.

    Args:
        session: in a transaction that may write.
        job: a running job, freshly loaded and locked.
        crash: the way in which the process ended.
        max_crashes: the number of crashes after which a job is failed.

    """
    crashes = job.crashes + 1
    estimate = job.memory_estimate if crash.is_out_of_memory else None
    details = {
        "signal": crash.signal,
        "exit_status": crash.exit_status,
        "last_epoch": job.epochs_done - 1 if job.epochs_done else None,
        "peak_memory": job.peak_memory,
        "estimate": estimate,
    }
    description = (
        f"{crash.description}{_format_memory_use(job.peak_memory, estimate) if crash.is_out_of_memory else ''}"
    )
    if crashes < max_crashes or job.cancel_requested:
        reason = lifecycle.build_reason("attempt_crashed", f"In attempt {job.attempt}, {description}.", **details)
        lifecycle.release_job(session, job, reason, crashes=crashes)
        return
    message = f"{crashes} attempts crashed. In the last one, {description}."
    lifecycle.transition_job(
        session,
        job.id,
        to_state=JobState.FAILED,
        from_states=[JobState.RUNNING],
        fence=job.attempt,
        reason=lifecycle.build_reason("crashed", message, **details),
        crashes=crashes,
    )


def _format_memory_use(peak: int | None, estimate: int | None) -> str:
    peak_clause = "" if peak is None else f"; its peak memory was {peak:,} bytes"
    if estimate is None:
        return peak_clause
    return f"{peak_clause}; the spec check estimates {estimate:,} bytes for the training without the dataset's rows"
