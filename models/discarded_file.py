"""A file that a row named, and that may be nobody's now."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DiscardedFile(Base):
    """Written in the transaction that removes the row that named the file; the file itself goes some time later.

    So that a crash between the two leaves a note of it, and a file that somebody names meanwhile stays.
    """

    __tablename__ = "discarded_files"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    discarded_at: Mapped[datetime] = mapped_column(index=True)
