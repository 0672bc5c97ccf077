"""Send wake-ups from a thread of their own, and no more of them than are useful."""

import threading
from collections import Counter
from collections.abc import Callable


class QueueNotifier:
    """Sends requested wake-ups in the background. The caller neither waits for the broker nor learns of a failure.

    While the broker is slow or away, requests pile up as one number for each queue.

    Args:
        send: sends one wake-up of a queue and never fails: `service.queue.wake_ups.WakeUpSender.send`.

    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._requested: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def notify_queue(self, queue: str, startable_jobs: int) -> None:
        """Request one wake-up for each job that a worker has a free slot for, and one if there is no such job.

        That one is for a slot that became free at this moment. Other jobs need no wake-up of their own: a worker whose
        job ends looks for the next one.
        """
        with self._changed:
            self._requested[queue] += startable_jobs
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._send_requested, name="waker", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Send the wake-ups that are still requested, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _send_requested(self) -> None:
        while requested := self._wait_for_requests():
            for queue, startable_jobs in requested.items():
                for _ in range(max(1, startable_jobs)):
                    self._send(queue)

    def _wait_for_requests(self) -> Counter[str]:
        """Return the requests as soon as there are any; return an empty counter after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._requested or self._closing)
            requested, self._requested = self._requested, Counter()
            return requested
