"""What memory this process keeps, what it took, and whether the system killed others for want of it."""

import contextlib
import ctypes
import resource
from collections.abc import Generator, Iterator
from pathlib import Path

_MOST_KEPT = ((-3, 32 * 2**20), (-1, 64 * 2**20))
"""glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD: bytes of one piece, and of what lies free at the end of a heap."""
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_FORGET_THE_PEAK = "5"
"""What `clear_refs` takes for that, on Linux."""


@contextlib.contextmanager
def kept() -> Generator[None]:
    """Keep what is freed for what is wanted next, and at the block's end give back to the system what lies free.

    glibc keeps some by itself, the more the larger what it gave back before. From here on, also after the block, it
    keeps what it would come to by itself at most: there is no way to have it adjust itself again. In red wine's
    training it came to less, and 2,400 pages an epoch were new, which now are 70. Without glibc nothing is done.
    """
    glibc = ctypes.CDLL(None)
    can = hasattr(glibc, "mallopt") and hasattr(glibc, "malloc_trim")
    for parameter, size in _MOST_KEPT if can else ():
        glibc.mallopt(parameter, size)
    try:
        yield
    finally:
        if can:
            glibc.malloc_trim(0)


def forget_peak() -> None:
    """Begin anew with the peak, where the system can: else `peak` is that of the process's whole life."""
    with contextlib.suppress(OSError):
        (_PROC / "self/clear_refs").write_text(_FORGET_THE_PEAK)


def peak() -> int:
    """The most bytes that were resident at once."""
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / "self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def oom_kills() -> int:
    """How many processes the kernel has killed because memory ran out, as far as can be seen from here.

    Only that it grows means something: some are counted more than once.
    """
    return sum(_counts())


def _counts() -> Iterator[int]:
    for path in (_PROC / "vmstat", *_of_own_groups()):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    yield int(value)


def _of_own_groups() -> Iterator[Path]:
    """The files with the counters of this process's control groups: of version 2, and of version 1."""
    with contextlib.suppress(OSError):
        for line in (_PROC / "self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                yield _CGROUPS / group.lstrip("/") / "memory.events"
            elif "memory" in controllers.split(","):
                yield _CGROUPS / "memory" / group.lstrip("/") / "memory.oom_control"
