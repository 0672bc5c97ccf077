"""Bounds on the number of open event streams: of each client, and of all clients together."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from service.errors import TooManyRequests


class StreamLimiter:
    """Counts the open streams of each client. It is used in the event loop only.

    Args:
        max_streams: maximum number of streams of all clients.
        max_client_streams: maximum number of streams of one client.

    """

    def __init__(self, max_streams: int, max_client_streams: int) -> None:
        self._max_streams = max_streams
        self._max_client_streams = max_client_streams
        self._counts: Counter[str] = Counter()

    @contextmanager
    def hold_slot(self, client: str) -> Generator[None]:
        """Count a stream of a client while the block runs.

        Raises:
            TooManyRequests: a bound is reached.

        """
        self._check_bounds(client)
        self._counts[client] += 1
        try:
            yield
        finally:
            self._counts[client] -= 1
            if not self._counts[client]:
                del self._counts[client]

    def _check_bounds(self, client: str) -> None:
        if self._counts[client] >= self._max_client_streams:
            message = f"Your address has {self._max_client_streams} event streams open. Close one, then try again."
        elif self._counts.total() >= self._max_streams:
            message = f"The server has {self._max_streams} event streams open. Try again later, or poll the job."
        else:
            return
        raise TooManyRequests("too_many_streams", message)
