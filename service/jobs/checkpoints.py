"""What becomes of a job's checkpoint when nobody will take it up."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models import Checkpoint
from service.storage import file_references


def discard(session: Session, job_id: UUID) -> None:
    """Drop the job's checkpoint, if it has one; its file is removed a while later."""
    dropped = session.scalars(delete(Checkpoint).where(Checkpoint.job_id == job_id).returning(Checkpoint.sha256))
    file_references.discard(session, dropped)
