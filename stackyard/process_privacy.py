"""Privacy of processes that have secrets in their environment and memory."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def keep_process_private() -> None:
    """Deny other processes of this user access to this process's environment and memory (Linux).

    They can neither read `/proc/PID/environ` nor attach a debugger, unless they have CAP_SYS_PTRACE, as root has.
    This process itself can no longer open some of its own files in `/proc`, so open these before. The programs that it
    starts are not private.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
