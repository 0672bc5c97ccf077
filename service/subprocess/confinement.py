"""Confinement of processes that read untrusted input, as far as the kernel supports it (Linux).

A confined process, and all that it starts, can neither write files nor run programs. It can open no socket, send no
signal to other processes, and read neither their memory nor their environment. It can still read every file that its
user can read, and use its pipes, its time and its memory.
"""

import ctypes
import sys
import tempfile
from pathlib import Path

from service.subprocess import landlock, seccomp

_PR_SET_NO_NEW_PRIVS = 38


def confine_process() -> None:
    """Confine this process for good. A protection that the kernel lacks is left out.

    Raises:
        RuntimeError: other threads run already, which would stay unconfined.
        OSError: the kernel has a protection and refused to apply it.

    """
    if sys.platform != "linux":
        return
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("expected to confine this process before it starts other threads")
    # Libraries take the name of a directory for temporary files when they are loaded. Python would look for a writable
    # one, and fail.
    tempfile.tempdir = "/"
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if version := landlock.read_version():
        landlock.restrict_thread(version)
    if seccomp.is_available():
        seccomp.refuse_sockets()


def log_missing_protections() -> None:
    """Log a warning if confined processes can do on this system what the module's docstring excludes."""
    import structlog  # noqa: PLC0415  # confined processes start sooner without it

    if actions := list_unconfined_actions():
        structlog.get_logger().warning(
            "the kernel cannot fully confine processes that read untrusted input",
            action="not_confined",
            unconfined_actions=actions,
        )


def list_unconfined_actions() -> list[str]:
    """Return what a confined process can do on this system, although it should not; empty if all is refused."""
    is_linux = sys.platform == "linux"
    version = landlock.read_version() if is_linux else 0
    protections = {
        "write files, run programs, read other processes": version > 0,
        "truncate files": version >= landlock.TRUNCATE_VERSION,
        "send signals": version >= landlock.SIGNALS_VERSION,
        "use the network": is_linux and seccomp.is_available(),
    }
    return [action for action, is_refused in protections.items() if not is_refused]
