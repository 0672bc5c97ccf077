"""A pause after an outage of the database, in which workers write the heartbeats that they could not write."""

import math
import time
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import select

from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory


class OutageGrace:
    """Tells whether leases and heartbeats can be trusted: not until an interval after an outage.

    Args:
        sessions: of the database.
        grace_s: seconds after an outage in which they cannot.

    """

    def __init__(self, sessions: SessionFactory, grace_s: float) -> None:
        self._sessions = sessions
        self._grace_s = grace_s
        self._is_interrupted = False
        self._over_at = -math.inf

    @contextmanager
    def watch_database(self) -> Generator[None]:
        """Remember an error of the database in the block as an outage; the error is passed on."""
        try:
            yield
        except DATABASE_UNAVAILABLE_ERRORS:
            self._is_interrupted = True
            raise

    def is_over(self) -> bool:
        """Return whether there was no outage within the last interval.

        Raises:
            SQLAlchemyError: the outage goes on.

        """
        if self._is_interrupted:
            with self._sessions.read() as session:
                session.execute(select(1))
            self._is_interrupted = False
            self._over_at = time.monotonic() + self._grace_s
        return time.monotonic() >= self._over_at
