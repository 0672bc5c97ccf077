"""Files that may have no references any more."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DiscardedFile(Base):
    """A file that lost a reference. It is deleted later unless another row references it.

    The transaction that deletes the referencing row inserts this row. So a crash before the deletion of the file
    leaves a record, and a file that is referenced again in the meantime stays.
    """

    __tablename__ = "discarded_files"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    discarded_at: Mapped[datetime] = mapped_column(index=True)
