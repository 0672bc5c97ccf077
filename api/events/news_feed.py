"""The feed of news for any number of streams: one poller looks into the database once a second."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy.exc import SQLAlchemyError

from api.events.event_ring import EventRing, NumberedEvent
from service.db.database import SessionFactory
from service.results.epoch_news import EpochNews, EpochNewsReader
from service.results.job_news import JobNews, JobNewsReader
from service.sweeps.sweep_news import SweepNews, SweepNewsReader

_POLL_INTERVAL_S = 1.0
_KEEPALIVE_INTERVAL_S = 15.0
_LINGER_S = 60.0
"""How long the poller goes on after the last stream ended. A client that reconnects in this time misses nothing."""
_RING_BYTES = 16 * 2**20
_MAX_READ_JOBS = 500
"""Maximum number of jobs of all streams together whose epochs are read."""

log = structlog.get_logger()


@dataclass(frozen=True)
class EncodedNews:
    """An event without its id: its name, its data as JSON, and the job whose followers get it; None is for all.

    With a project, only those who see the project get it.
    """

    event: str
    data: str
    job_id: UUID | None = None
    project_id: UUID | None = None


_RESET = EncodedNews("reset", "{}")

Encoder = Callable[[JobNews, Sequence[EpochNews], SweepNews], Sequence[EncodedNews]]


@dataclass(frozen=True)
class _Audience:
    """The jobs that the client of a stream chose, and the projects that it sees; None for all."""

    job_ids: Collection[UUID]
    projects: Collection[UUID] | None

    def gets(self, event: NumberedEvent) -> bool:
        """Return whether the client gets an event."""
        if event.job_id is not None:
            return event.job_id in self.job_ids
        return self.projects is None or event.project_id is None or event.project_id in self.projects


class _NewsReader:
    """Reads and encodes the news since the last look. One thread at a time uses it."""

    def __init__(self, sessions: SessionFactory, encode: Encoder) -> None:
        self._sessions = sessions
        self._encode = encode
        self._jobs = JobNewsReader()
        self._epochs = EpochNewsReader()
        self._sweeps = SweepNewsReader()

    def read_news(self, followed: Collection[UUID]) -> Sequence[EncodedNews]:
        with self._sessions.read() as session:
            news = self._jobs.read_news(session)
            active = {**self._jobs.running, **{details.job.id: None for details in news.changed}}
            epochs = self._epochs.read_news(session, followed, active)
            return self._encode(news, epochs, self._sweeps.read_news(session))


class NewsFeed:
    """Distributes the news of jobs to streams. Its methods run in the event loop, its queries in a thread.

    Args:
        sessions: session factory of the database.
        encode: converts news to events.
        poll_interval_s: seconds between two looks into the database.

    """

    def __init__(
        self, sessions: SessionFactory, encode: Encoder, *, poll_interval_s: float = _POLL_INTERVAL_S
    ) -> None:
        self._sessions = sessions
        self._encode = encode
        self._poll_interval_s = poll_interval_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="news")
        self._streams = 0
        self._followers: Counter[UUID] = Counter()
        self._last_followed: dict[UUID, float] = {}
        self._last_stream_at = 0.0
        self._poll_task: asyncio.Task[None] | None = None
        self._ring = EventRing(_RING_BYTES)
        self._changed = asyncio.Event()
        self._ready = False
        self._closed = False
        self._has_failed = False

    async def stream_events(
        self,
        job_ids: Collection[UUID],
        last_event_id: str | None,
        projects: Collection[UUID] | None = None,
        is_ended: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[bytes]:
        """Yield the events after an id, as bytes of a stream: those of all jobs, and the epochs of chosen ones.

        Args:
            job_ids: the chosen jobs, which the client sees.
            last_event_id: the id of the last event that the client has; None for a new client.
            projects: the projects that the client sees; None for all.
            is_ended: returns whether the stream must end; `wake_streams` lets it be called.

        """
        self._join(job_ids)
        try:
            while not self._ready and not self._closed and not is_ended():
                if not await _wait_for_change(self._changed):
                    yield KEEPALIVE_COMMENT
            async for text in self._follow_ring(self._ring, _Audience(job_ids, projects), last_event_id, is_ended):
                yield text
        finally:
            self._leave(job_ids)

    def close(self) -> None:
        """End every stream. Clients reconnect, to another process."""
        self._closed = True
        self._notify()

    def wake_streams(self) -> None:
        """Let each stream look whether it must end."""
        self._notify()

    async def _follow_ring(
        self, ring: EventRing, audience: "_Audience", last_event_id: str | None, is_ended: Callable[[], bool]
    ) -> AsyncGenerator[bytes]:
        known = ring.newest if last_event_id is None else ring.parse_id(last_event_id)
        position = ring.newest if known is None else known
        yield format_sse_event(event="start", id=ring.format_id(position), data_str="{}")
        if known is None:
            yield format_sse_event(event="reset", id=ring.format_id(position), data_str="{}")
        while not self._closed and not is_ended():
            changed = self._changed  # taken before the ring is read, so that no event falls between the two
            if not ring.has_all_after(position):
                position = ring.newest
                yield format_sse_event(event="reset", id=ring.format_id(position), data_str="{}")
            elif (event := ring.get_next(position)) is not None:
                position = event.number
                if audience.gets(event):
                    yield event.text
            elif not await _wait_for_change(changed):
                yield KEEPALIVE_COMMENT

    def _join(self, job_ids: Collection[UUID]) -> None:
        self._streams += 1
        self._followers.update(job_ids)
        if self._poll_task is None or self._poll_task.done():
            self._ring, self._ready = EventRing(_RING_BYTES), False
            self._poll_task = asyncio.create_task(self._poll())

    def _leave(self, job_ids: Collection[UUID]) -> None:
        self._last_stream_at = asyncio.get_running_loop().time()
        self._streams -= 1
        self._followers.subtract(job_ids)
        for job_id in job_ids:
            if not self._followers[job_id]:
                del self._followers[job_id]
                self._last_followed[job_id] = self._last_stream_at

    async def _poll(self) -> None:
        """Read news once a second, until the last stream has ended some time ago."""
        loop = asyncio.get_running_loop()
        reader = None
        while not self._closed and (self._streams or loop.time() < self._last_stream_at + _LINGER_S):
            due = loop.time() + self._poll_interval_s
            reader = await self._read_news(reader or _NewsReader(self._sessions, self._encode))
            await asyncio.sleep(due - loop.time())

    async def _read_news(self, reader: _NewsReader) -> _NewsReader | None:
        """Read and publish news. If that fails, return None: the clients load anew once a new reader can read."""
        followed = self._list_followed_jobs()
        try:
            news = await asyncio.get_running_loop().run_in_executor(self._thread, reader.read_news, followed)
        except SQLAlchemyError as error:
            log.warning("news not read", action="news_failed", error=str(error))
        except Exception:  # an unexpected error must not end the task, because nothing else does its work
            log.exception("news not read", action="news_failed")
        else:
            self._publish([_RESET, *news] if self._has_failed else news)
            self._has_failed = False
            return reader
        self._has_failed = True
        return None

    def _publish(self, news: Sequence[EncodedNews]) -> None:
        for event in news:
            self._ring.add(event.event, event.data, event.job_id, event.project_id)
        if news or not self._ready:
            self._ready = True
            self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _list_followed_jobs(self) -> list[UUID]:
        """Return the jobs of all streams, and those of streams that ended lately, whose clients may reconnect."""
        horizon = asyncio.get_running_loop().time() - _LINGER_S
        self._last_followed = {job_id: left_at for job_id, left_at in self._last_followed.items() if left_at > horizon}
        return list({**self._followers, **self._last_followed})[:_MAX_READ_JOBS]


async def _wait_for_change(changed: asyncio.Event) -> bool:
    """Wait for a change, and return False if none comes before a keep-alive is due."""
    try:
        async with asyncio.timeout(_KEEPALIVE_INTERVAL_S):
            await changed.wait()
    except TimeoutError:
        return False
    return True
