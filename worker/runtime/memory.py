"""The memory of this process: reuse of freed memory, peak usage, and out-of-memory kills by the kernel."""

import contextlib
import ctypes
import functools
import os
import resource
from collections.abc import Generator, Iterator
from pathlib import Path

_MALLOC_OPTIONS = ((-3, 32 * 2**20), (-1, 64 * 2**20))
"""Bytes for glibc's M_MMAP_THRESHOLD (one allocation) and M_TRIM_THRESHOLD (free memory at a heap's end)."""
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_RESET_PEAK = b"5"
"""The value that Linux's `clear_refs` takes to reset the peak."""


@contextlib.contextmanager
def reuse_freed_memory() -> Generator[None]:
    """Keep freed memory for later allocations, and return free memory to the system at the block's end.

    By itself glibc adapts how much it keeps to the sizes that were freed before. This sets the largest thresholds
    that glibc would reach by itself, because in a training it stays far below and each epoch needs new pages. The
    thresholds stay set after the block: glibc cannot return to adapting them. Without glibc this does nothing.
    """
    glibc = ctypes.CDLL(None)
    is_glibc = hasattr(glibc, "mallopt") and hasattr(glibc, "malloc_trim")
    for parameter, size in _MALLOC_OPTIONS if is_glibc else ():
        glibc.mallopt(parameter, size)
    try:
        yield
    finally:
        if is_glibc:
            glibc.malloc_trim(0)


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
