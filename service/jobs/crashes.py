"""Attempts that took their process down: such a job is tried again, but not for ever."""

from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from models import Dataset, Job, JobState
from service.datasets import catalog
from service.jobs import lifecycle
from stackyard.spec import UNLIMITED, JobSpec, check

log = structlog.get_logger()


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
    estimate = _estimate(session, job) if crash.for_memory else None
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


def _estimate(session: Session, job: Job) -> int | None:
    """Bytes that the check thinks the training needs; None where that cannot be said any more."""
    dataset = None if job.dataset_id is None else session.get(Dataset, job.dataset_id)
    if dataset is None:
        return None
    try:
        report = check(JobSpec.model_validate(job.spec), catalog.description(dataset), UNLIMITED)
    except Exception as error:  # noqa: BLE001 whatever it is, the job's end must not wait for an estimate
        log.warning("no estimate", action="estimate_failed", job=str(job.id), error=str(error))
        return None
    return report.memory.total_bytes
