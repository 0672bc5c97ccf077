"""The end of event streams whose token is no longer valid, or whose user sees other projects than at its start."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from service.db.database import SessionFactory
from service.team import authentication
from service.team.principal import Principal

_POLL_INTERVAL_S = 1.0

log = structlog.get_logger()


@dataclass(eq=False)
class StreamAccess:
    """The right of a principal to an open stream.

    Args:
        principal: who opened it.
        had_users: whether the server had users then.
        is_ended: whether the stream must end.

    """

    principal: Principal
    had_users: bool
    is_ended: bool = False


class StreamWatch:
    """Looks once a second whether the open streams are still permitted. Its methods run in the event loop.

    A client whose stream ends connects again, and gets what it may see by then.

    Args:
        sessions: of the installation's database.
        has_users: returns whether the server has users.
        wake_streams: lets all streams look at once whether they must end.
        poll_interval_s: seconds between two looks.

    """

    def __init__(
        self,
        sessions: SessionFactory,
        has_users: Callable[[], Awaitable[bool]],
        wake_streams: Callable[[], None],
        *,
        poll_interval_s: float = _POLL_INTERVAL_S,
    ) -> None:
        self._sessions = sessions
        self._has_users = has_users
        self._wake_streams = wake_streams
        self._poll_interval_s = poll_interval_s
        self._streams: set[StreamAccess] = set()
        self._poll_task: asyncio.Task[None] | None = None

    @contextmanager
    def watch_stream(self, principal: Principal, *, had_users: bool) -> Generator[StreamAccess]:
        """Watch a stream while the block runs."""
        access = StreamAccess(principal, had_users)
        self._streams.add(access)
        if self._poll_task is None or self._poll_task.done():
            self._poll_task = asyncio.create_task(self._poll())
        try:
            yield access
        finally:
            self._streams.discard(access)

    async def _poll(self) -> None:
        while self._streams:
            await asyncio.sleep(self._poll_interval_s)
            try:
                await self._end_refused_streams()
            except SQLAlchemyError as error:  # meanwhile, streams have no news either
                log.warning("streams not checked", action="stream_watch_failed", error=str(error))
            except Exception:  # an unexpected error must not end the task, because nothing else does its work
                log.exception("streams not checked", action="stream_watch_failed")

    async def _end_refused_streams(self) -> None:
        streams = [access for access in self._streams if not access.is_ended]
        token_ids = {access.principal.token_id for access in streams if access.principal.token_id is not None}
        has_users = await self._has_users()
        visible = await run_in_threadpool(self._load_visible_projects, token_ids)
        refused = [access for access in streams if not _is_permitted(access, visible, has_users=has_users)]
        for access in refused:
            access.is_ended = True
        if refused:
            log.info("streams ended", action="streams_revoked", count=len(refused))
            self._wake_streams()

    def _load_visible_projects(self, token_ids: Collection[UUID]) -> Mapping[UUID, frozenset[UUID] | None]:
        if not token_ids:
            return {}
        with self._sessions.read() as session:
            return authentication.load_visible_projects(session, token_ids)


def _is_permitted(access: StreamAccess, visible: Mapping[UUID, frozenset[UUID] | None], *, has_users: bool) -> bool:
    principal = access.principal
    if principal.token_id is None:
        return access.had_users == has_users
    return principal.token_id in visible and visible[principal.token_id] == principal.visible_projects


async def watch_stream(request: Request) -> AsyncGenerator[StreamAccess]:
    """Watch a stream until its response has been sent, or its client has gone."""
    state = request.app.state.stackyard
    had_users = await state.authenticator.has_users()
    with state.stream_watch.watch_stream(request.state.principal, had_users=had_users) as access:
        yield access


StreamAccessDep = Annotated[StreamAccess, Depends(watch_stream)]
