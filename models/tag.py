"""Tags of jobs."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class JobTag(JobOwned, Base):
    """One tag of a job's spec. Each tag has its own row, so that a filter can use an index."""

    __tablename__ = "job_tags"
    __table_args__ = (Index("ix_job_tags_tag_job_id", "tag", "job_id"),)

    tag: Mapped[str] = mapped_column(primary_key=True)
