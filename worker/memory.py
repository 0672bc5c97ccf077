"""What memory a child keeps, what it took, and whether the system killed others for want of it."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

KEPT = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20)}
"""Environment of a child: bytes up to which glibc keeps what is freed for what is wanted next. These are what it comes
to by itself at most; in red wine's training it came to less, and 2,400 pages an epoch were new, which now are 70."""

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_FORGET_THE_PEAK = "5"
"""What `clear_refs` takes for that, on Linux."""


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
