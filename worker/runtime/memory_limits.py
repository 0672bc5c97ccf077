"""The hard limit on the memory of a child: the kernel refuses it more, and so no other process loses its own."""

import contextlib
import resource
from pathlib import Path

import psutil

from service.settings import Settings

LIMIT_VARIABLE = "STACKYARD_CHILD_MEMORY_LIMIT"
"""The environment variable of `Settings.child_memory_limit`, in which the parent passes the share of each child."""
MIN_HEADROOM = 512 * 2**20
"""Bytes that a child may always take beyond those that it has after its start: less would suffice for no job."""
_CHILDREN_SHARE = 0.8
"""Share of the memory that the children may take together; the rest is for the API, the broker and the system."""
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def compute_child_limit(settings: Settings, children: int) -> int:
    """Return the bytes that a child may allocate, 0 for no limit.

    Args:
        settings: of the installation. The neighbours are children, too.
        children: the number of children of this worker.

    """
    if settings.child_memory_limit or settings.device == "gpu":  # CUDA reserves many times what it uses
        return settings.child_memory_limit
    return int(_CHILDREN_SHARE * read_total_memory()) // (children + settings.neighbours)


def limit_memory(limit: int) -> int:
    """Limit the bytes that this process may allocate from now on; return the limit, which leaves a minimum of room.

    The kernel counts the private writable memory of the process, not files that it maps.
    """
    limit = max(limit, read_allocated_memory() + MIN_HEADROOM)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    return limit


def read_memory_limit(pid: int | None = None) -> int | None:
    """Return the limit of a process, by default of this one; None if there is none, or no such process."""
    try:
        limit, _ = psutil.Process(pid).rlimit(resource.RLIMIT_DATA)
    except (psutil.Error, AttributeError):  # only Linux has the limit
        return None
    return None if limit == resource.RLIM_INFINITY else limit


def read_allocated_memory(pid: int | None = None) -> int:
    """Return the bytes of a process that count towards its limit; 0 if there is no such process."""
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / str(pid or "self") / "status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def read_total_memory() -> int:
    """Return the bytes of the machine's memory, or of the control group's limit if that is lower."""
    return min([psutil.virtual_memory().total, *_read_group_limits()])


def _read_group_limits() -> list[int]:
    limits: list[int] = []
    with contextlib.suppress(OSError):
        for line in (_PROC / "self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                limits += _read_limits(_CGROUPS, group, "memory.max")
            elif "memory" in controllers.split(","):
                limits += _read_limits(_CGROUPS / "memory", group, "memory.limit_in_bytes")
    return limits


def _read_limits(root: Path, group: str, name: str) -> list[int]:
    """Return the limits of a group and of the groups above it. In a container, the root may be the group itself."""
    directory = root / group.lstrip("/")
    limits: list[int] = []
    for path in (directory, *directory.parents):
        if path.is_relative_to(root):
            with contextlib.suppress(OSError, ValueError):  # "max" is no limit
                limits.append(int((path / name).read_text()))
    return limits
