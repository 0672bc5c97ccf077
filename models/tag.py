"""Tags of jobs."""

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.job_owned import JobOwned


class JobTag(JobOwned, Base):
    """One tag of a job's spec. Each tag has its own row, so that a filter can use an index."""

    __tablename__ = "job_tags"

    tag: Mapped[str] = mapped_column(primary_key=True, index=True)
