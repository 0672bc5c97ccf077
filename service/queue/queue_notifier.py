"""Wake-ups out of the way: sent by a thread of their own, and no more of them than there is use for."""

import threading
from collections import Counter
from collections.abc import Callable


class Waker:
    """Sends the wake-ups that it is told of, soon; whoever tells it neither waits nor hears of a failure.

    While the broker is slow or away, what it is told of piles up as a number for each queue.

    Args:
        send: sends one wake-up of a queue, and never fails: `service.queue.wake_ups.WakeUps.send`.

    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._wanted: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def wake(self, queue: str, starting: int) -> None:
        """Have a wake-up sent for each of `starting` jobs that a worker has a place for, and one where there is none.

        That one is for a place that became free at this moment. Other jobs need none of their own: a worker whose
        job ends looks for more.
        """
        with self._changed:
            self._wanted[queue] += starting
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Send what is still to be sent, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while wanted := self._next():
            for queue, starting in wanted.items():
                for _ in range(max(1, starting)):
                    self._send(queue)

    def _next(self) -> Counter[str]:
        """What is to be sent, as soon as there is any; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._closing)
            wanted, self._wanted = self._wanted, Counter()
            return wanted
