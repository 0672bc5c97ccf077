"""Limits on how many threads of the API wait for one shared process."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from service.errors import Unavailable


class BoundedLock:
    """Mutex that some threads may wait for, for a limited time. It rejects all other threads at once.

    Args:
        max_waiting: maximum number of waiting threads.
        timeout_s: seconds that each of them waits.
        code: the `Unavailable.code` of a rejection.
        message: the message of a rejection.

    """

    def __init__(self, *, max_waiting: int, timeout_s: float, code: str, message: str) -> None:
        self.mutex = threading.Lock()
        """The mutex itself, for callers that wait without limits."""
        self._slots = threading.BoundedSemaphore(1 + max_waiting)
        self._timeout_s = timeout_s
        self._rejection = (code, message)

    @contextmanager
    def acquire(self) -> Generator[None]:
        """Hold the mutex while the block runs.

        Raises:
            Unavailable: too many threads wait, or the wait took too long.

        """
        if not self._slots.acquire(blocking=False):
            raise Unavailable(*self._rejection)
        try:
            if not self.mutex.acquire(timeout=self._timeout_s):
                raise Unavailable(*self._rejection)
            try:
                yield
            finally:
                self.mutex.release()
        finally:
            self._slots.release()
