"""Record when tokens were last used, outside the requests that use them."""

import threading
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.team import authentication

_INTERVAL_S = 10.0

log = structlog.get_logger()


class TokenUses:
    """Collects the uses of tokens, and writes the latest ones in intervals, so that requests need not wait for it.

    A crash loses the uses of the last interval.
    """

    def __init__(self, sessions: SessionFactory, *, interval_s: float = _INTERVAL_S) -> None:
        self._sessions = sessions
        self._interval_s = interval_s
        self._uses: dict[UUID, datetime] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def add(self, token_id: UUID) -> None:
        """Record that a token is used now."""
        with self._lock:
            self._uses[token_id] = datetime.now(UTC)
            if self._timer is None:
                self._timer = threading.Timer(self._interval_s, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write the uses since the last time. If the database is unavailable, they are lost."""
        with self._lock:
            uses, self._uses = self._uses, {}
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        if not uses:
            return
        try:
            with self._sessions.begin() as session:
                authentication.record_uses(session, uses)
        except SQLAlchemyError as error:
            log.warning("uses of tokens not recorded", action="token_uses_lost", error=str(error))
