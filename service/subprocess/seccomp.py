"""Linux's seccomp, by which a process gives up system calls for good, without root.

libseccomp and its bindings would have to be installed beside Python; the program here is a few instructions.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h
_PR_GET_SECCOMP, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 21, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_CALL_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
"""Where `struct seccomp_data` has the number of the system call, and the architecture that defines its meaning."""

# linux/audit.h, asm/unistd.h
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_IO_URING_SETUP = 425  # io_uring would open sockets without the system call
_X32_BIT = 0x40000000
"""Set in the calls of a second interface of x86_64, which no other architecture has."""

_LIBC = ctypes.CDLL(None, use_errno=True)


def is_available() -> bool:
    """Return whether the kernel has seccomp, and this module knows the architecture."""
    return platform.machine() in _ARCHITECTURES and _LIBC.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def refuse_sockets() -> None:
    """Refuse this thread, and all that it starts, to open sockets. Pairs of connected sockets are still allowed.

    Raises:
        OSError: the kernel refused. `PR_SET_NO_NEW_PRIVS` must be set before.

    """
    program = b"".join(_build_program(platform.machine()))
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    if _LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp refused: {os.strerror(number)}")


def _build_program(machine: str) -> Iterator[bytes]:
    """Yield the instructions of a BPF program. A jump skips as many instructions as its target says."""
    yield _encode(_LOAD, _ARCHITECTURE_OFFSET)
    yield _encode(_JUMP_IF_EQUAL, _ARCHITECTURES[machine], if_false=4)
    yield _encode(_LOAD, _CALL_OFFSET)
    yield _encode(_JUMP_IF_AT_LEAST, _X32_BIT, if_true=2)
    yield _encode(_JUMP_IF_EQUAL, _SOCKET[machine], if_true=1)
    yield _encode(_JUMP_IF_EQUAL, _IO_URING_SETUP, if_false=1)
    yield _encode(_RETURN, _REFUSE)
    yield _encode(_RETURN, _ALLOW)


def _encode(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
