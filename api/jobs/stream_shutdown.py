"""The end of all event streams when the process is to stop."""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def close_on_signals(*close_streams: Callable[[], None]) -> Generator[None]:
    """Call functions in the event loop when the process receives SIGTERM or SIGINT while the block runs.

    Uvicorn waits for open responses before it runs the shutdown of the application, so it would wait for streams.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous_handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle_signal(number: int, frame: FrameType | None) -> None:
        for close in close_streams:
            loop.call_soon_threadsafe(close)
        handler = previous_handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in previous_handlers:
        signal.signal(number, handle_signal)
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
