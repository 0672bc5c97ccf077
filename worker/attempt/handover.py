"""Hand over the next job of a queue to a free process of the other backend."""

import time
from uuid import UUID

from models import Job, JobState
from service.db.database import SessionFactory
from service.errors import NotFound
from service.jobs import queries

_MAX_WAIT_S = 1.0
_POLL_S = 0.02


def wait_until_claimed(sessions: SessionFactory, job_id: UUID) -> None:
    """Wait until a job is claimed, at most for a second.

    The caller has sent a wake-up. While it waits it counts as busy, so that the pool gives the wake-up to another
    process.
    """
    due = time.monotonic() + _MAX_WAIT_S
    while _is_waiting(sessions, job_id) and time.monotonic() < due:
        time.sleep(_POLL_S)


def _is_waiting(sessions: SessionFactory, job_id: UUID) -> bool:
    try:
        with sessions.read() as session:
            return queries.get_job_columns(session, job_id, Job.state).state is JobState.QUEUED
    except NotFound:
        return False
