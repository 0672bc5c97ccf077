"""News of jobs for any number of streams, for which one look at the database serves them all."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import Sessions
from service.results import job_events
from service.results.job_events import News, Position

_LOOK_EVERY_S = 0.25
_SILENT_FOR_S = 15.0
_THREADS = 2
_TURN_S = 0.0025
"""So far apart do streams begin, where many come at once."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True)
class Batch:
    """News as it goes over the wire, the position after it, and whether no more will come."""

    text: bytes
    position: Position
    ended: bool


@dataclass
class _Feed:
    """One job that somebody follows.

    `mark` is how far its news went at the last look; `changed` is set, and replaced, when it goes further. Whoever
    follows it from the same position shares what was read from there.
    """

    followers: int = 0
    mark: Position | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reads: dict[Position, asyncio.Future[Batch]] = field(default_factory=dict[Position, "asyncio.Future[Batch]"])

    def tell(self) -> None:
        self.reads.clear()
        self.changed.set()
        self.changed = asyncio.Event()


class Feeds:
    """What streams wait for. All but its construction happens in the event loop; its reads have threads of their own.

    Args:
        sessions: of the installation's database.
        write: makes what goes over the wire of news.

    """

    def __init__(self, sessions: Sessions, write: Callable[[News], bytes]) -> None:
        self._sessions = sessions
        self._write = write
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="feeds")
        self._feeds: dict[UUID, _Feed] = {}
        self._looks: dict[tuple[UUID, Position], asyncio.Future[Batch]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closed = False
        self._turns = asyncio.Semaphore(1)

    async def look(self, job_id: UUID, since: Position) -> Batch:
        """What there is of a job's news after a position, which may be nothing.

        Whoever asks for what is being read just now gets it, too: when a job ends, all who followed it come for the
        next one at once.

        Raises:
            NotFound: there is no such job.

        """
        wanted = (job_id, since)
        if wanted not in self._looks:
            look = self._looks[wanted] = asyncio.ensure_future(self._in_thread(lambda: self._read(job_id, since)))
            look.add_done_callback(lambda look: self._looked(wanted, look))
        return await asyncio.shield(self._looks[wanted])

    async def turn(self) -> None:
        """Wait for one's turn to begin a stream.

        When a job ends, all who followed it come for the next one at once; others want an answer meanwhile.
        """
        await self._turns.acquire()
        asyncio.get_running_loop().call_later(_TURN_S, self._turns.release)

    async def follow(self, job_id: UUID, since: Position) -> AsyncGenerator[Batch | None]:
        """A job's news after a position, as they come, until it ends; None where nothing happened for a while.

        Raises:
            NotFound: the job is deleted.

        """
        feed = self._join(job_id)
        try:
            while not self._closed:
                changed = feed.changed  # before the look, so that nothing falls between it and the wait
                batch = await self._shared(feed, job_id, since)
                if batch is not None and (batch.text or batch.ended):
                    since = batch.position
                    yield batch
                    if batch.ended:
                        return
                elif not await _is_set(changed):
                    yield None
        finally:
            self._leave(job_id, feed)

    def close(self) -> None:
        """End every stream: their clients come again, and find another process."""
        self._closed = True
        for feed in self._feeds.values():
            feed.tell()

    @contextmanager
    def ended_by_signals(self) -> Generator[None]:
        """While the block runs, what tells the process to end also ends the streams.

        uvicorn waits for the responses that are under way before it tells the application that it ends.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def end(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.close)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number in before:
            signal.signal(number, end)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    def _join(self, job_id: UUID) -> _Feed:
        feed = self._feeds.setdefault(job_id, _Feed())
        feed.followers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return feed

    def _leave(self, job_id: UUID, feed: _Feed) -> None:
        feed.followers -= 1
        if not feed.followers:
            del self._feeds[job_id]

    async def _shared(self, feed: _Feed, job_id: UUID, since: Position) -> Batch | None:
        """The news after a position, read once for all who are there; None while the database is away."""
        if since not in feed.reads:
            read = asyncio.ensure_future(self.look(job_id, since))
            feed.reads[since] = read
            read.add_done_callback(lambda read: _forget_failed(feed, since, read))
        try:
            return await asyncio.shield(feed.reads[since])
        except SQLAlchemyError as error:
            log.warning("news not read", action="feed_failed", error=str(error))
            return None

    async def _watch(self) -> None:
        """Look for all that is followed at once, until nothing is."""
        while self._feeds and not self._closed:
            try:
                marks = await self._in_thread(self._marks(list(self._feeds)))
            except SQLAlchemyError as error:
                log.warning("news not looked for", action="feeds_failed", error=str(error))
            else:
                self._compare(marks)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _compare(self, marks: dict[UUID, Position]) -> None:
        for job_id, feed in self._feeds.items():
            mark = marks.get(job_id)
            if mark != feed.mark or mark is None:
                feed.mark = mark
                feed.tell()

    def _looked(self, wanted: tuple[UUID, Position], look: asyncio.Future[Batch]) -> None:
        del self._looks[wanted]
        _failed(look)

    def _marks(self, job_ids: Sequence[UUID]) -> Callable[[], dict[UUID, Position]]:
        def look() -> dict[UUID, Position]:
            with self._sessions.read() as session:
                return job_events.marks(session, job_ids)

        return look

    def _read(self, job_id: UUID, since: Position) -> Batch:
        with self._sessions.read() as session:
            news = job_events.read(session, job_id, since)
            return Batch(self._write(news), news.position, news.ended)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def _is_set(changed: asyncio.Event) -> bool:
    """Wait for it, but not for long."""
    try:
        async with asyncio.timeout(_SILENT_FOR_S):
            await changed.wait()
    except TimeoutError:
        return False
    return True


def _forget_failed(feed: _Feed, since: Position, read: asyncio.Future[Batch]) -> None:
    """Let the next one try again."""
    if _failed(read) and feed.reads.get(since) is read:
        del feed.reads[since]


def _failed(read: asyncio.Future[Batch]) -> bool:
    """Whether it did, of which asyncio would complain where nobody waited for it to the end."""
    return read.cancelled() or read.exception() is not None
