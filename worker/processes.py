"""What the operating system should know about a worker's processes."""

import ctypes
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, so that a killed worker leaves nobody behind.

    Its job is queued again when the lease ends. Only Linux offers this; elsewhere an orphan finishes its job.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def name() -> str:
    """Who this is, for people: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"
