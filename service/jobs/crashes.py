"""Attempts whose process crashed or ran out of memory: the job is tried again, up to a number of crashes."""

from dataclasses import dataclass
from typing import Any

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
        is_out_of_memory: whether the process ended because memory ran out.
        exceeded_limit: whether it ran out at the process's own limit. Another attempt would end in the same way.
        peak_memory: the largest memory in bytes with which the process was seen from outside, if it was.

    """

    description: str
    signal: str | None = None
    exit_status: int | None = None
    is_out_of_memory: bool = False
    exceeded_limit: bool = False
    peak_memory: int | None = None


def end_crashed_attempt(session: Session, job: Job, crash: Crash, *, max_crashes: int) -> None:
    """End the attempt. Its job waits again; with the last allowed crash it becomes failed.

    A job whose process exceeded its own limit of memory becomes failed at once.

    Args:
        session: in a transaction that may write.
        job: a running job, freshly loaded and locked.
        crash: the way in which the process ended.
        max_crashes: the number of crashes after which a job is failed.

    """
    crashes = job.crashes + 1
    estimate = job.memory_estimate if crash.is_out_of_memory else None
    peak = max(filter(None, (job.peak_memory, crash.peak_memory)), default=None)
    details = {
        "signal": crash.signal,
        "exit_status": crash.exit_status,
        "last_epoch": job.epochs_done - 1 if job.epochs_done else None,
        "peak_memory": peak,
        "estimate": estimate,
    }
    description = f"{crash.description}{_format_memory_use(peak, estimate) if crash.is_out_of_memory else ''}"
    is_last = crashes >= max_crashes or crash.exceeded_limit
    if not is_last or job.cancel_requested:
        reason = lifecycle.build_reason("attempt_crashed", f"In attempt {job.attempt}, {description}.", **details)
        lifecycle.release_job(session, job, reason, crashes=crashes)
        return
    message = (
        f"In attempt {job.attempt}, {description}."
        if crash.exceeded_limit
        else f"{crashes} attempts crashed. In the last one, {description}."
    )
    code = "out_of_memory" if crash.is_out_of_memory else "crashed"
    lifecycle.transition_job(
        session,
        job.id,
        to_state=JobState.FAILED,
        from_states=[JobState.RUNNING],
        fence=job.attempt,
        reason=lifecycle.build_reason(code, message, **details),
        crashes=crashes,
    )


def build_out_of_memory_reason(limit: int | None, peak: int, estimate: int | None) -> dict[str, Any]:
    """Return the reason of a job whose process got no more memory; all sizes in bytes.

    Args:
        limit: of the process; None if it has none.
        peak: the largest memory of the process in the attempt.
        estimate: of the spec check; None for jobs of earlier releases.

    """
    source = "the worker has" if limit is None else f"its process may take ({limit:,} bytes)"
    message = f"The job needed more memory than {source}{_format_memory_use(peak, estimate)}."
    return lifecycle.build_reason("out_of_memory", message, peak_memory=peak, estimate=estimate)


def _format_memory_use(peak: int | None, estimate: int | None) -> str:
    peak_clause = "" if peak is None else f"; its peak memory was {peak:,} bytes"
    if estimate is None:
        return peak_clause
    return f"{peak_clause}; the spec check estimates {estimate:,} bytes for the training without the dataset's rows"
