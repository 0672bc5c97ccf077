"""Linux's Landlock, by which a process gives up rights for good, without root.

The kernel's own interface is called here, because the bindings on PyPI are pre-releases that lack newer rights.
"""

import ctypes
import os
import struct

SIGNALS_VERSION = 6
"""The first version that can refuse signals to other processes."""
TRUNCATE_VERSION = 3
"""The first version that can refuse to truncate files."""
_TCP_VERSION, _DEVICES_VERSION = 4, 5

# linux/landlock.h. The numbers of the system calls are the same on all architectures.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_QUERY_VERSION = 1
_EXECUTE, _WRITE_FILE, _REFER, _TRUNCATE, _DEVICE_COMMANDS = 1 << 0, 1 << 1, 1 << 13, 1 << 14, 1 << 15
_CHANGE_DIRECTORY = sum(1 << bit for bit in range(4, 13))
"""The rights to create and remove directory entries of every kind."""
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_LIBC = ctypes.CDLL(None, use_errno=True)


def read_version() -> int:
    """Return the kernel's version of Landlock; 0 if the kernel has none, or has it disabled."""
    return max(0, _LIBC.syscall(_CREATE_RULESET, None, 0, _QUERY_VERSION))


def restrict_thread(version: int) -> None:
    """Refuse this thread, and all that it starts, to write or run files and to reach other processes.

    It keeps the right to read files, and to use what is already open. Reaching another process means to read its
    memory or environment, to connect over TCP or an abstract Unix socket, and to send it a signal.

    Args:
        version: the kernel's version, of at least 1. Older versions refuse less.

    Raises:
        OSError: the kernel refused. `PR_SET_NO_NEW_PRIVS` must be set before.

    """
    attributes = _pack_attributes(version)
    ruleset = _check(_LIBC.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        _check(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _pack_attributes(version: int) -> bytes:
    """Return a `landlock_ruleset_attr` without the rights and fields that this version does not know."""
    rights = _EXECUTE | _WRITE_FILE | _CHANGE_DIRECTORY
    for first_version, right in ((2, _REFER), (TRUNCATE_VERSION, _TRUNCATE), (_DEVICES_VERSION, _DEVICE_COMMANDS)):
        rights |= right if version >= first_version else 0
    fields = [rights]
    if version >= _TCP_VERSION:
        fields.append(_BIND_AND_CONNECT_TCP)
    if version >= SIGNALS_VERSION:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    return struct.pack(f"={len(fields)}Q", *fields)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock refused: {os.strerror(number)}")
    return result
