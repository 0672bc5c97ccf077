"""Record refused requests in transactions of their own, so many that a flood of them does not fill the database."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.team.audit import recording
from service.team.audit.audited_request import AuditedRequest

_PERIOD_S = 60.0
MAX_ENTRIES = 600
"""Maximum number of entries of refusals in a period."""
MAX_USER_ENTRIES = 60
"""Maximum number of entries of one user in a period; all strangers together count as one user."""
LIMIT_CODE = "audit_limit"
"""The code of the entry that counts the refusals without an entry of their own."""

log = structlog.get_logger()


@dataclass
class _UserRefusals:
    """The refusals of a user in the current period: recorded ones, and the number of others by status."""

    user_name: str | None
    recorded: int = 0
    others: Counter[int] = field(default_factory=Counter[int])


class RefusalRecorder:
    """Writes entries of refusals in a thread, those that arrive together in one transaction.

    In each period of a minute, a user has a limited number of entries. The refusals beyond it are counted, and one
    entry for each status has their number after the period.

    Args:
        sessions: of the installation's database.
        period_s: the length of a period in seconds.
        clock: returns seconds that never go back.

    """

    def __init__(
        self,
        sessions: SessionFactory,
        *,
        period_s: float = _PERIOD_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._period_s = period_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="refusals")
        self._lock = threading.Lock()
        self._users: dict[UUID | None, _UserRefusals] = {}
        self._period_end = 0.0
        self._pending: list[dict[str, Any]] = []
        self._timer: threading.Timer | None = None

    def record(self, request: AuditedRequest, status: int, code: str | None) -> Future[None] | None:
        """Record a refusal, or count it.

        Args:
            request: the refused request.
            status: the HTTP status of the response.
            code: the code of the problem document.

        Returns:
            A future that is done once the entry is written; None if the refusal is only counted.

        """
        with self._lock:
            self._start_period()
            user = self._users.setdefault(request.user_id, _UserRefusals(request.user_name))
            recorded = sum(other.recorded for other in self._users.values())
            if user.recorded >= MAX_USER_ENTRIES or recorded >= MAX_ENTRIES:
                user.others[status] += 1
                self._start_timer()
                return None
            user.recorded += 1
            self._pending.append(recording.build_entry(request, status, code))
        return self._thread.submit(self._write_entries)

    def end_period(self) -> None:
        """Write the numbers of refusals that were only counted, and begin a new period."""
        with self._lock:
            self._add_counts()
        self._write_entries()

    def close(self) -> None:
        """Write what is left."""
        self.end_period()
        self._thread.shutdown()

    def _start_period(self) -> None:
        if self._clock() >= self._period_end:
            self._add_counts()
            self._period_end = self._clock() + self._period_s

    def _add_counts(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, users, self._users, self._period_end = None, self._users, {}, 0.0
        for user_id, user in users.items():
            for status, count in sorted(user.others.items()):
                request = AuditedRequest(f"{count} more refusals", user_id=user_id, user_name=user.user_name)
                self._pending.append(recording.build_entry(request, status, LIMIT_CODE))

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(max(0.0, self._period_end - self._clock()), self.end_period)
            self._timer.daemon = True
            self._timer.start()

    def _write_entries(self) -> None:
        with self._lock:
            entries, self._pending = self._pending, []
        if not entries:
            return
        try:
            with self._sessions.begin() as session:
                recording.insert_entries(session, entries)
        except SQLAlchemyError as error:
            log.warning("refusals not recorded", action="refusals_lost", count=len(entries), error=str(error))
