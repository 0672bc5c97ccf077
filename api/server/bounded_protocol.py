"""The HTTP protocol of uvicorn, with bounds on headers and on the time that a client may take."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from api.http.access_log import log_refused_connection
from api.http.problem_documents import create_problem_response
from api.http.request_ids import REQUEST_ID_HEADER, create_request_id
from api.http.security_headers import SECURITY_HEADERS
from api.server.connection_table import ConnectionTable
from api.server.lingering_transport import LingeringTransport

MAX_HEADER_BYTES = 64 * 2**10
"""Bytes of the request line and the headers; also of the trailers, and of the framing between parts of a body."""
_MAX_PIPELINED = 16
"""Requests that a client may send ahead of the responses; the connection of one that sends more is closed."""
_MIN_BODY_BYTES = 512
"""Bytes of a body that count as progress, unless the body ends before."""
_LINGER_S = 10.0
_LINGER_BYTES = 64 * 2**20
"""Time and bytes for which the rest of a refused request is read, so that the response arrives."""


@dataclass(frozen=True)
class TimeLimits:
    """Time limits of a connection, in seconds; the fields of `Settings` with these names describe them."""

    header_timeout_s: float
    body_timeout_s: float


class BoundedProtocol(HttpToolsProtocol):
    """One HTTP connection. Every refusal is a problem document, after which the connection is closed.

    Args:
        table: the open connections.
        limits: time limits.
        config: of uvicorn, like the other arguments.

    """

    def __init__(
        self,
        table: ConnectionTable,
        limits: TimeLimits,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._table = table
        self._limits = limits
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._is_reading_headers = False
        self._is_reading_body = False
        self._is_ignoring_input = False
        self._has_progressed = False
        self._bytes_without_progress = 0
        self._body_bytes = 0
        self._stalled_checks = 0
        self._lingering_bytes: int | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection, or refuse it if there are too many."""
        self._socket_transport = transport
        super().connection_made(cast("asyncio.Transport", LingeringTransport(transport, self._close_gently)))
        if self._table.add(self, self.client[0] if self.client else ""):
            self._start_timer("headers", self._limits.header_timeout_s, self._end_header_time)
        else:
            self._write_problem(
                503, code="too_many_connections", detail="The server has too many connections; try again later."
            )
            self._close_gently()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._table.remove(self)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once."""
        self._socket_transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse input, in pieces that do not exceed the bound on headers."""
        if self._lingering_bytes is not None:
            self._discard_input(len(data))
            return
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        while rest and not self._is_ignoring_input and self._lingering_bytes is None:
            piece = rest[: MAX_HEADER_BYTES - self._bytes_without_progress]
            rest = rest[len(piece) :]
            self._parse_piece(piece)
        self._start_idle_timer()

    def pause_writing(self) -> None:
        """Limit the time for which a client may leave a response unread."""
        super().pause_writing()
        size = self._socket_transport.get_write_buffer_size()
        self._start_timer("writing", self._limits.body_timeout_s, lambda: self._check_writing(size))

    def resume_writing(self) -> None:
        """Go on writing."""
        self._stop_timer("writing")
        super().resume_writing()

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_reading_headers = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Trailers are dropped: the application decides on the headers before it reads the body."""
        if self._is_reading_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._is_reading_headers = False
        self._is_reading_body = self._has_progressed = True
        self._body_bytes = self._stalled_checks = 0
        self._stop_timer("headers")
        self._table.mark_busy(self)
        self._start_timer("body", self._limits.body_timeout_s / 2, self._check_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._has_progressed = True
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body."""
        self._has_progressed = True
        self._is_reading_body = False
        self._stop_timer("body")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if self._lingering_bytes is not None:
            self.server_state.total_requests += 1
            return
        super().on_response_complete()
        if not self._socket_transport.is_closing():
            self._start_idle_timer()

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed request."""
        self._refuse(400, code="bad_request", detail=msg)

    # Internals

    @property
    def _is_answering(self) -> bool:
        """Whether a response is not complete. Before the first request, uvicorn's `cycle` is None."""
        cycle = cast("Any", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _parse_piece(self, piece: memoryview) -> None:
        self._has_progressed = False
        try:
            cast("httptools.HttpRequestParser", self.parser).feed_data(piece)
        except httptools.HttpParserUpgrade:  # no upgrade is supported, so the request is served, and is the last one
            self.cycle.keep_alive = False
            self._is_ignoring_input = True
        except httptools.HttpParserError:
            self.send_400_response("The request is not valid HTTP.")
        else:
            self._bytes_without_progress = 0 if self._has_progressed else self._bytes_without_progress + len(piece)
            if self._bytes_without_progress >= MAX_HEADER_BYTES:
                self._refuse(431, code="headers_too_large", detail=f"The headers exceed {MAX_HEADER_BYTES} bytes.")
            elif len(self.pipeline) > _MAX_PIPELINED:
                self.abort()
                self._is_ignoring_input = True

    def _start_idle_timer(self) -> None:
        """Start the timer of a connection that has no request: for its headers, or until a request begins."""
        if self._is_answering or self._is_reading_body or self._is_ignoring_input or self._lingering_bytes is not None:
            return
        self._table.mark_idle(self)
        if self._is_reading_headers or self._bytes_without_progress:
            if "headers" not in self._timers:
                self._start_timer("headers", self._limits.header_timeout_s, self._end_header_time)
        elif self.timeout_keep_alive_task is None and "headers" not in self._timers:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _end_header_time(self) -> None:
        if self._is_reading_headers:
            self._refuse(408, code="request_timeout", detail="The headers did not arrive in time.")
        else:
            self.abort()

    def _check_body(self) -> None:
        """Refuse a request whose body makes no progress in two checks, while the application is ready to read it."""
        has_progressed = self._body_bytes >= _MIN_BODY_BYTES or self.flow.read_paused
        self._stalled_checks = 0 if has_progressed else self._stalled_checks + 1
        self._body_bytes = 0
        if self._stalled_checks > 1:
            self._refuse(408, code="request_timeout", detail="The body did not arrive in time.")
        else:
            self._start_timer("body", self._limits.body_timeout_s / 2, self._check_body)

    def _check_writing(self, earlier_size: int) -> None:
        """Abort a connection whose client reads nothing."""
        size = self._socket_transport.get_write_buffer_size()
        if size >= earlier_size:
            self.abort()
        else:
            self._start_timer("writing", self._limits.body_timeout_s, lambda: self._check_writing(size))

    def _refuse(self, status: int, *, code: str, detail: str) -> None:
        """Answer with a problem document, and close the connection.

        If the request is not the one that is being answered, its place is after that response, so nothing is written.
        """
        if self._is_answering and not self._is_reading_body:
            self.cycle.keep_alive = False
            self._is_ignoring_input = True
            return
        if self._is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not self.pipeline and not (self._is_answering and self.cycle.response_started):
            self._write_problem(status, code=code, detail=detail)
        self._linger()

    def _write_problem(self, status: int, *, code: str, detail: str) -> None:
        request_id = create_request_id()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            log_refused_connection(self.client[0] if self.client else None, status, code)
            response = create_problem_response(
                status,
                code=code,
                detail=detail,
                headers=SECURITY_HEADERS | {"Connection": "close", REQUEST_ID_HEADER: request_id},
            )
        headers = [*self.server_state.default_headers, *response.raw_headers]
        lines = [b"%s: %s\r\n" % (name, value) for name, value in headers]
        self._socket_transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", bytes(response.body)]))

    def _close_gently(self) -> None:
        """Close the connection; if a body has not arrived completely, read and drop its rest first."""
        if self._socket_transport.is_closing():
            return
        if self._is_reading_body and self._lingering_bytes is None:
            self._linger()
        else:
            # Buffered output is still sent, but not for a client that never reads it.
            self._start_timer("closing", self._limits.body_timeout_s, self.abort)
            self._socket_transport.close()

    def _linger(self) -> None:
        if self._socket_transport.is_closing() or self._lingering_bytes is not None:
            return
        for name in list(self._timers):
            self._stop_timer(name)
        self._unset_keepalive_if_required()
        self._lingering_bytes = 0
        self.flow.resume_reading()
        if self._socket_transport.can_write_eof():
            self._socket_transport.write_eof()
        self._start_timer("closing", _LINGER_S, self.abort)

    def _discard_input(self, count: int) -> None:
        self._lingering_bytes = (self._lingering_bytes or 0) + count
        if self._lingering_bytes > _LINGER_BYTES:
            self.abort()

    def _start_timer(self, name: str, delay: float, callback: Callable[[], None]) -> None:
        self._stop_timer(name)

        def run_callback() -> None:
            del self._timers[name]
            if name == "closing" or not self._socket_transport.is_closing():
                callback()

        self._timers[name] = self.loop.call_later(delay, run_callback)

    def _stop_timer(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
