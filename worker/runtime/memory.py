"""The memory of this process: its peak, errors because it ran out, and out-of-memory kills by the kernel."""

import contextlib
import ctypes
import errno
import functools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_RESET_PEAK = b"5"
"""The value that Linux's `clear_refs` takes to reset the peak."""
_BACKEND_ERRORS = frozenset({"ResourceExhaustedError", "JaxRuntimeError", "XlaRuntimeError"})
"""Names of error classes of TensorFlow and JAX, because a process may have imported neither."""
_JAX_CODE = "RESOURCE_EXHAUSTED"
"""The first word of JAX's messages about memory. All errors of JAX have the same class."""


def return_free_memory() -> None:
    """Return the memory that glibc keeps for later allocations to the system; without glibc this does nothing."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def reset_peak_memory() -> None:
    """Reset the peak where the system supports it; otherwise the peak covers the whole life of the process."""
    with contextlib.suppress(OSError):
        os.write(_open_memory_commands(os.getpid()), _RESET_PEAK)


@functools.cache
def _open_memory_commands(pid: int) -> int:
    """Open this process's `clear_refs` once: a private process can use the open file, but cannot open it again."""
    return os.open(_PROC / str(pid) / "clear_refs", os.O_WRONLY | os.O_CLOEXEC)


def read_peak_memory() -> int:
    """Return the largest number of bytes that were resident at once since the last reset."""
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / "self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def count_oom_kills() -> int:
    """Return a counter of processes that the kernel killed because memory ran out.

    Only an increase has a meaning: several sources are added up, and some kills are counted more than once.
    """
    return sum(_read_oom_kill_counters())


def _read_oom_kill_counters() -> Iterator[int]:
    for path in (_PROC / "vmstat", *_list_cgroup_counter_files()):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    yield int(value)


def _list_cgroup_counter_files() -> Iterator[Path]:
    """Yield the files with the counters of this process's control groups, of versions 1 and 2."""
    with contextlib.suppress(OSError):
        for line in (_PROC / "self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                yield _CGROUPS / group.lstrip("/") / "memory.events"
            elif "memory" in controllers.split(","):
                yield _CGROUPS / "memory" / group.lstrip("/") / "memory.oom_control"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of Python, the system, TensorFlow or JAX means that there is no more memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    name = type(error).__name__
    return isinstance(error, MemoryError) or (
        name in _BACKEND_ERRORS and (name == "ResourceExhaustedError" or str(error).startswith(_JAX_CODE))
    )
