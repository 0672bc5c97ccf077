"""One after the other, where many threads want the same thing."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from service.errors import Unavailable


class Turns:
    """Lets one thread at a time have its turn, some others wait, and refuses the rest.

    Args:
        waiting: how many may wait, each a thread of the API.
        patience: seconds that each of them waits.
        code: of what the others are told: a word for programs.
        message: likewise, a sentence for people.

    """

    def __init__(self, *, waiting: int, patience: float, code: str, message: str) -> None:
        self.lock = threading.Lock()
        """Whoever has it has the turn; to take it by itself is to wait for however long it takes."""
        self._places = threading.BoundedSemaphore(1 + waiting)
        self._patience = patience
        self._busy = (code, message)

    @contextmanager
    def taken(self) -> Generator[None]:
        """Have the turn while the block runs.

        Raises:
            Unavailable: too many wait already, or it took too long.

        """
        if not self._places.acquire(blocking=False):
            raise Unavailable(*self._busy)
        try:
            if not self.lock.acquire(timeout=self._patience):
                raise Unavailable(*self._busy)
            try:
                yield
            finally:
                self.lock.release()
        finally:
            self._places.release()
