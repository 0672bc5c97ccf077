"""The number of files and connections that a process may open."""

import contextlib
import sys

_MAX_DESCRIPTORS = 2**20
"""Linux's default for the largest hard limit. Programs that visit every possible descriptor are slow beyond it."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open descriptors to the hard limit, at most 2**20, and return the soft limit.

    Children inherit it. Where limits cannot be read, the return value is that maximum.
    """
    if sys.platform == "win32":
        return _MAX_DESCRIPTORS
    import resource  # noqa: PLC0415  # Windows has no such module

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= limit:
        return _MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):  # macOS may refuse a limit above that of the kernel
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
