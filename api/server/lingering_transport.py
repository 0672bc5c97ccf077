"""A transport whose `close` is decided by the protocol."""

import asyncio
from collections.abc import Callable
from typing import Any


class LingeringTransport:
    """Passes everything on to an asyncio transport, except `close`, which calls a function instead.

    A socket that is closed with unread input resets the connection, and the client may lose the response. The
    function lets the protocol read the rest first.
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self.write = transport.write  # an attribute, because most calls are writes
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
