"""The word that this process is to end soon, which it hears even while it computes."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

PASSED_ON = signal.SIGUSR2
"""By which a worker's parent, told to end, tells its children: one that has no job does nothing but take none."""


class Notice:
    """Given once, and then for good.

    Python runs signal handlers in the main thread, between two of its instructions; a call into TensorFlow can take
    minutes. So a thread listens at the pipe into which Python writes a signal's number as it comes.
    """

    def __init__(self) -> None:
        self._given = threading.Event()
        self._told_to_end = False

    @property
    def given(self) -> bool:
        """Whether the process is to end: a training is to be handed back."""
        return self._given.is_set()

    def give(self) -> None:
        """Have the process end."""
        self._given.set()

    def listen(self) -> None:
        """Hear `PASSED_ON` from now on. Call this in the main thread."""
        hears, tells = os.pipe()
        os.set_blocking(tells, False)
        signal.signal(PASSED_ON, _do_nothing)
        signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(hears,), name="notice", daemon=True).start()

    @contextmanager
    def instead_of_ending(self) -> Generator[None]:
        """Take SIGTERM for a notice within the block, and end after it if there was one. In the main thread only."""
        before = signal.signal(signal.SIGTERM, self._note_sigterm)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
            if self._told_to_end:
                signal.raise_signal(signal.SIGTERM)

    def _note_sigterm(self, *_: object) -> None:
        self._told_to_end = True
        self.give()

    def _listen(self, hears: int) -> None:
        while numbers := os.read(hears, 64):
            if PASSED_ON in numbers or signal.SIGTERM in numbers:
                self.give()


def _do_nothing(*_: object) -> None:
    """A handler must be there for the number to be written."""
