"""What becomes of a job's checkpoint when nobody will take it up."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models import Checkpoint, DiscardedFile
from service.database import insert_if_absent, now


def discard(session: Session, job_id: UUID) -> None:
    """Drop the job's checkpoint, if it has one; its file is removed a while later."""
    sha256 = session.scalar(delete(Checkpoint).where(Checkpoint.job_id == job_id).returning(Checkpoint.sha256))
    if sha256 is not None:
        insert_if_absent(session, DiscardedFile, {"sha256": sha256, "discarded_at": now(session)})
