"""Broadcast of job events to any number of streams. One query per interval serves all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.results import job_events
from service.results.job_events import EventPosition, JobEventBatch

_POLL_INTERVAL_S = 0.25
_KEEPALIVE_INTERVAL_S = 15.0
_THREADS = 2
_START_INTERVAL_S = 0.0025
"""Time between the starts of two streams, when many clients connect at once."""
_MAX_CACHED_BYTES = 32 * 2**20
_MAX_SHARED_READS = 64
"""Maximum number of positions of a job at which streams share a read."""

Result = TypeVar("Result")

log = structlog.get_logger()


@dataclass(frozen=True)
class EventBatch:
    """Encoded events, the position after them, whether the job has ended, and whether it already has more events."""

    text: bytes
    position: EventPosition
    ended: bool
    has_more: bool = False


class _BatchCache:
    """Complete batches, which streams that are behind share; those that were used least recently are dropped."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._batches: OrderedDict[tuple[UUID, EventPosition], EventBatch] = OrderedDict()

    def get(self, key: tuple[UUID, EventPosition]) -> EventBatch | None:
        batch = self._batches.get(key)
        if batch is not None:
            self._batches.move_to_end(key)
        return batch

    def put(self, key: tuple[UUID, EventPosition], batch: EventBatch) -> None:
        if key in self._batches:
            return
        self._batches[key] = batch
        self._bytes += len(batch.text)
        while self._bytes > self._max_bytes:
            _, dropped = self._batches.popitem(last=False)
            self._bytes -= len(dropped.text)


@dataclass
class _FollowedJob:
    """A job that streams follow.

    `latest` is the position of its newest event at the last poll. When it advances, `changed` is set and replaced.
    Streams at the same position share one read of the following events.
    """

    followers: int = 0
    latest: EventPosition | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reads: dict[EventPosition, asyncio.Future[EventBatch]] = field(
        default_factory=dict[EventPosition, "asyncio.Future[EventBatch]"]
    )

    def notify(self) -> None:
        self.reads.clear()
        self.changed.set()
        self.changed = asyncio.Event()


class EventBroadcaster:
    """Distributes the events of jobs to streams. Its methods run in the event loop, its queries in own threads.

    Args:
        sessions: session factory of the database.
        encode: converts events to the bytes of a stream.

    """

    def __init__(self, sessions: SessionFactory, encode: Callable[[JobEventBatch], bytes]) -> None:
        self._sessions = sessions
        self._encode = encode
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="events")
        self._followed_jobs: dict[UUID, _FollowedJob] = {}
        self._cache = _BatchCache(_MAX_CACHED_BYTES)
        self._fetches: dict[tuple[UUID, EventPosition], asyncio.Future[EventBatch]] = {}
        self._poll_task: asyncio.Task[None] | None = None
        self._closed = False
        self._start_slot = asyncio.Semaphore(1)

    async def fetch_events(self, job_id: UUID, since: EventPosition) -> EventBatch:
        """Return the next events of a job after a position; there may be none.

        Concurrent calls with the same arguments share one read. When a job ends, all its followers often turn to the
        next job at once.

        Raises:
            NotFound: the job does not exist.

        """
        key = (job_id, since)
        if (batch := self._cache.get(key)) is not None:
            return batch
        if key not in self._fetches:
            fetch = self._fetches[key] = asyncio.ensure_future(self._run_in_thread(lambda: self._read(job_id, since)))
            fetch.add_done_callback(lambda fetch: self._remove_fetch(key, fetch))
        return await asyncio.shield(self._fetches[key])

    async def throttle_start(self) -> None:
        """Wait until a new stream may start.

        When a job ends, all its followers often turn to the next job at once. The pause lets other requests through.
        """
        await self._start_slot.acquire()
        asyncio.get_running_loop().call_later(_START_INTERVAL_S, self._start_slot.release)

    async def follow_job(
        self, job_id: UUID, since: EventPosition, is_ended: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[EventBatch | None]:
        """Yield batches of events after a position until the job ends; yield None as a sign to send a keep-alive.

        Args:
            job_id: the job.
            since: the position.
            is_ended: returns whether the stream must end before; `wake_streams` lets it be called.

        Raises:
            NotFound: the job was deleted.

        """
        followed = self._join(job_id)
        try:
            while not self._closed and not is_ended():
                changed = followed.changed  # taken before the read, so that no event falls between read and wait
                batch = await self._read_shared(followed, job_id, since)
                if batch is not None and (batch.text or batch.ended):
                    since = batch.position
                    yield batch
                    if batch.ended:
                        return
                elif not await _wait_for_change(changed):
                    yield None
        finally:
            self._leave(job_id, followed)

    def close(self) -> None:
        """End every stream. Clients reconnect, to another process."""
        self._closed = True
        self.wake_streams()

    def wake_streams(self) -> None:
        """Let each stream look whether it must end."""
        for followed in self._followed_jobs.values():
            followed.notify()

    def _join(self, job_id: UUID) -> _FollowedJob:
        followed = self._followed_jobs.setdefault(job_id, _FollowedJob())
        followed.followers += 1
        if self._poll_task is None or self._poll_task.done():
            self._poll_task = asyncio.create_task(self._poll())
        return followed

    def _leave(self, job_id: UUID, followed: _FollowedJob) -> None:
        followed.followers -= 1
        if not followed.followers:
            del self._followed_jobs[job_id]

    async def _read_shared(self, followed: _FollowedJob, job_id: UUID, since: EventPosition) -> EventBatch | None:
        """Return the events after a position, read once for all streams; None if the database is unavailable."""
        if since not in followed.reads:
            if len(followed.reads) >= _MAX_SHARED_READS:
                followed.reads.clear()
            read = asyncio.ensure_future(self.fetch_events(job_id, since))
            followed.reads[since] = read
            read.add_done_callback(lambda read: _remove_read(followed, since, read))
        try:
            return await asyncio.shield(followed.reads[since])
        except SQLAlchemyError as error:
            log.warning("events not read", action="feed_failed", error=str(error))
            return None

    async def _poll(self) -> None:
        """Poll the positions of all followed jobs in one query, until no job is followed."""
        while self._followed_jobs and not self._closed:
            try:
                positions = await self._run_in_thread(self._create_position_query(list(self._followed_jobs)))
            except SQLAlchemyError as error:
                log.warning("events not polled", action="feeds_failed", error=str(error))
            else:
                self._notify_changed(positions)
            await asyncio.sleep(_POLL_INTERVAL_S)

    def _notify_changed(self, positions: dict[UUID, EventPosition]) -> None:
        for job_id, followed in self._followed_jobs.items():
            position = positions.get(job_id)
            if position != followed.latest or position is None:
                followed.latest = position
                followed.notify()

    def _remove_fetch(self, key: tuple[UUID, EventPosition], fetch: asyncio.Future[EventBatch]) -> None:
        del self._fetches[key]
        if not _has_failed(fetch) and (batch := fetch.result()).has_more:
            self._cache.put(key, batch)

    def _create_position_query(self, job_ids: Sequence[UUID]) -> Callable[[], dict[UUID, EventPosition]]:
        def load_positions() -> dict[UUID, EventPosition]:
            with self._sessions.read() as session:
                return job_events.load_latest_positions(session, job_ids)

        return load_positions

    def _read(self, job_id: UUID, since: EventPosition) -> EventBatch:
        with self._sessions.read() as session:
            events = job_events.load_events(session, job_id, since)
            return EventBatch(self._encode(events), events.position, events.ended, events.has_more)

    async def _run_in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def _wait_for_change(changed: asyncio.Event) -> bool:
    """Wait for a change, and return False if none comes before a keep-alive is due."""
    try:
        async with asyncio.timeout(_KEEPALIVE_INTERVAL_S):
            await changed.wait()
    except TimeoutError:
        return False
    return True


def _remove_read(followed: _FollowedJob, since: EventPosition, read: asyncio.Future[EventBatch]) -> None:
    """Remove a failed read, so that the next stream reads again, and a complete batch, which the cache holds."""
    if (_has_failed(read) or read.result().has_more) and followed.reads.get(since) is read:
        del followed.reads[since]


def _has_failed(read: asyncio.Future[EventBatch]) -> bool:
    """Return whether a read failed. Retrieving the exception keeps asyncio from logging it as unhandled."""
    return read.cancelled() or read.exception() is not None
