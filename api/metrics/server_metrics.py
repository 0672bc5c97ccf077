"""All metrics of an API process, as Prometheus reads them."""

import shutil
import threading
import time
from datetime import timedelta

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from sqlalchemy import select
from sqlalchemy.orm import Session

import stackyard
from api.metrics.progress_metrics import ProgressMetrics
from api.metrics.request_metrics import RequestMetrics
from api.metrics.state_collector import Health, StateCollector
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory, get_current_time
from service.metrics.progress import ProgressReader
from service.metrics.snapshot import load_snapshot
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings


class ServerMetrics:
    """The metrics of one process. They count from its start, and they are read only when Prometheus asks.

    Args:
        settings: for the data directory.
        sessions: of the database.
        wake_ups: for the health of the broker.

    """

    def __init__(self, settings: Settings, sessions: SessionFactory, wake_ups: WakeUpSender) -> None:
        self._settings = settings
        self._sessions = sessions
        self._wake_ups = wake_ups
        self._created_at = time.monotonic()
        self._lock = threading.Lock()
        self._registry = CollectorRegistry()
        self._state = StateCollector()
        self._registry.register(self._state)
        self._progress = ProgressMetrics(self._registry)
        self._progress_reader: ProgressReader | None = None
        self.requests = RequestMetrics(self._registry)
        ProcessCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Read the state and the progress of the installation, and return the text and its media type.

        Args:
            accept: the header `Accept`: OpenMetrics, or the older text format.

        """
        encode, media_type = choose_encoder(accept)
        with self._lock:  # two scrapes at once would count the same events twice
            self._read_installation()
            return encode(self._registry), media_type

    def _read_installation(self) -> None:
        database_s = self._read_database()
        broker_s = self._measure_broker()
        free, size = self._measure_disk()
        self._state.health = Health(stackyard.__version__, database_s, broker_s, free, size)

    def _read_database(self) -> float | None:
        """Read the database, and return the time in seconds that it took to answer; None if it is unavailable."""
        started = time.perf_counter()
        try:
            with self._sessions.read() as session:
                session.scalar(select(1))
                answered = time.perf_counter()
                self._state.snapshot = load_snapshot(session)
                self._progress.add(self._get_progress_reader(session).read(session))
        except DATABASE_UNAVAILABLE_ERRORS:
            self._state.snapshot = None
            return None
        return answered - started

    def _get_progress_reader(self, session: Session) -> ProgressReader:
        if self._progress_reader is None:
            age = timedelta(seconds=time.monotonic() - self._created_at)
            self._progress_reader = ProgressReader(get_current_time(session) - age)
        return self._progress_reader

    def _measure_broker(self) -> float | None:
        started = time.perf_counter()
        return time.perf_counter() - started if self._wake_ups.is_broker_reachable() else None

    def _measure_disk(self) -> tuple[int | None, int | None]:
        try:
            usage = shutil.disk_usage(self._settings.data_dir)
        except OSError:
            return None, None
        return usage.free, usage.total
