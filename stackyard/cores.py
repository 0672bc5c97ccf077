"""Count the CPU cores that this process may use, by its affinity and by the quotas of its control groups."""

import math
import os
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/")
_ROOT_GROUPS = ("0::/", "1:cpu:/")
"""The lines of `/proc/self/cgroup` to assume where it cannot be read."""


def count_usable_cores(root: Path = _ROOT) -> int:
    """Return how many cores this process may use, by its affinity and by the CPU quotas of its control groups.

    A fraction of a core in a quota counts as a whole core, as in Celery and joblib.

    Args:
        root: the directory that holds the system's `proc` and `sys`.

    Returns:
        A number of cores, at least 1.

    """
    cores = count_schedulable_cores()
    quota = min(_list_quotas(root), default=math.inf)
    return cores if quota >= cores else max(1, math.ceil(quota))


def count_schedulable_cores() -> int:
    """Return the number of cores in this process's affinity. TensorFlow starts as many threads by default."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _list_quotas(root: Path) -> Iterator[float]:
    """Yield the CPU quotas, in cores, of this process's control groups and of all groups above them."""
    mounts = root / "sys/fs/cgroup"
    for line in _read_groups(root):
        match line.split(":", 2):
            case [_, "", path]:
                yield from _list_quotas_v2(mounts, path)
            case [_, controllers, path] if "cpu" in controllers.split(","):
                for mount in (mounts / controllers, mounts / "cpu"):  # some systems have one of the two names
                    yield from _list_quotas_v1(mount, path)
            case _:
                pass  # a group of another controller


def _read_groups(root: Path) -> list[str]:
    with suppress(OSError):
        return (root / "proc/self/cgroup").read_text().splitlines()
    return list(_ROOT_GROUPS)


def _list_quotas_v2(mount: Path, path: str) -> Iterator[float]:
    for directory in _list_ancestors(mount, path):
        with suppress(OSError, ValueError):  # a ValueError is the word "max": no quota
            quota, period = map(int, (directory / "cpu.max").read_text().split())
            yield from _compute_cores(quota, period)


def _list_quotas_v1(mount: Path, path: str) -> Iterator[float]:
    for directory in _list_ancestors(mount, path):
        with suppress(OSError, ValueError):
            quota, period = (int((directory / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
            yield from _compute_cores(quota, period)


def _list_ancestors(mount: Path, path: str) -> Iterator[Path]:
    """Yield the directory of a control group, and the directories of the groups above it up to the mount.

    In a container, the mount often is the group of the container itself, while the path is the one on the host. Then
    the lower directories do not exist.
    """
    inner = Path(posixpath.normpath(f"/{path.lstrip('/')}").lstrip("/"))
    yield from (mount / directory for directory in (inner, *inner.parents))


def _compute_cores(quota: int, period: int) -> Iterator[float]:
    """Yield the quota in cores, if there is one: in version 1, -1 means no quota."""
    if quota > 0 and period > 0:
        yield quota / period
