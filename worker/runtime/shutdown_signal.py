"""A flag that says that this process is to shut down. A thread sets it, even while the main thread computes."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

PARENT_SHUTDOWN = signal.SIGUSR2
"""The parent sends this signal to its children when it shuts down. A child without a job only stops taking jobs."""


class ShutdownSignal:
    """A flag that is set once and stays set.

    Python runs signal handlers in the main thread between two instructions, and a call into TensorFlow can take
    minutes. So a thread reads the pipe into which Python writes the number of each signal on arrival.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._received_sigterm = False

    @property
    def is_set(self) -> bool:
        """Whether the process is to shut down: a running training is to be handed back."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask the process to shut down."""
        self._event.set()

    def start_listening(self) -> None:
        """Start the thread that listens for `PARENT_SHUTDOWN`. Call this in the main thread."""
        reading_end, writing_end = os.pipe()
        os.set_blocking(writing_end, False)
        signal.signal(PARENT_SHUTDOWN, _ignore_signal)
        signal.set_wakeup_fd(writing_end, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(reading_end,), name="shutdown-signal", daemon=True).start()

    @contextmanager
    def defer_sigterm(self) -> Generator[None]:
        """Within the block, let SIGTERM only set the flag; raise it again after the block. Main thread only."""
        previous_handler = signal.signal(signal.SIGTERM, self._handle_sigterm)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous_handler)
            if self._received_sigterm:
                signal.raise_signal(signal.SIGTERM)

    def _handle_sigterm(self, *_: object) -> None:
        self._received_sigterm = True
        self.set()

    def _listen(self, reading_end: int) -> None:
        while numbers := os.read(reading_end, 64):
            if PARENT_SHUTDOWN in numbers or signal.SIGTERM in numbers:
                self.set()


def _ignore_signal(*_: object) -> None:
    """Do nothing: Python writes a signal's number to the pipe only if the signal has a handler."""
